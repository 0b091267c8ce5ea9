MODEL (name shop.customers, kind VIEW);
SELECT id FROM shop.orders
