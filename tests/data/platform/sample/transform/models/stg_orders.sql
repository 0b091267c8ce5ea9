-- what the shop sold
MODEL (
  name shop.stg_orders,
  kind VIEW,
  owner sales,
  tags ("entity_category=order", staging),
  audits (not_null(columns := (order_id)))
);

SELECT
  order_id,
  customer_id,
  total_cents,
  ordered_on
FROM shop.seed_orders
WHERE
  total_cents > @smallest_total
