MODEL (
  name oso.stg_shop__orders,
  dialect trino,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key id
  ),
  tags ("entity_category=project"),
  audits (
    not_null(columns := (id))
  )
);

SELECT
  id::BIGINT AS id,
  note::VARCHAR AS note,
  ordered_at::TIMESTAMP(6) AS ordered_at
FROM @oso_source('shop.orders')
