MODEL (
  name shop.customers,
  kind FULL,
  tags ("entity_category=customer"),
  description 'One row for each customer.'
);

SELECT
  customer_id,
  MIN(ordered_on) AS first_ordered_on,
  SUM(total_cents)::BIGINT AS total_cents
FROM shop.stg_orders
GROUP BY
  customer_id
