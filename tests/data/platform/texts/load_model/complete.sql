-- expect: ok
MODEL (
  name shop.big_orders,
  kind FULL,
  tags ("entity_category=order", mart),
  audits (not_null(columns := (order_id)))
);

SELECT order_id FROM shop.stg_orders WHERE total_cents > @smallest_total
