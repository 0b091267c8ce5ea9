MODEL (name shop.orders, kind FULL, tags (core));
SELECT 1 AS id, 'a' AS name
