MODEL (
  name oso.stg_shop__orders,
  dialect trino,
  kind FULL,
  tags ("entity_category=project"),
  audits (
    not_null(columns := (id))
  )
);

SELECT
  *
FROM @oso_source('shop.orders')
