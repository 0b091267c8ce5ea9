MODEL (
  name shop.seed_orders,
  kind SEED (
    path '../seeds/orders.csv'
  ),
  columns (
    order_id INT,
    customer_id INT,
    total_cents BIGINT,
    ordered_on DATE
  )
);
