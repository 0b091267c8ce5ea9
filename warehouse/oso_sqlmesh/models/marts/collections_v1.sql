MODEL (
  name oso.collections_v1,
  description 'Collections of projects, for consumers.',
  kind FULL,
  tags ("entity_category=collection"),
  grain collection_id,
  audits (
    not_null(columns := (collection_id, collection_name)),
    unique_values(columns := (collection_id))
  )
);

SELECT
  collection_id::VARCHAR AS collection_id,
  'TROVE'::VARCHAR AS collection_source,
  collection_name::VARCHAR AS collection_name,
  display_name::VARCHAR AS display_name
FROM oso.int_collections
