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
  id::BIGINT AS id,
  note::VARCHAR AS note,
  _dlt_id AS loaded_as,
  ordered_at::TIMESTAMP(6) AS ordered_at
FROM @oso_source('shop.orders')
