MODEL (
  name oso.int_collections,
  description 'Collections of projects, each defined by a prefix of trove classifiers.',
  kind FULL,
  tags ("entity_category=collection"),
  grain collection_id,
  audits (
    not_null(columns := (collection_id)),
    unique_values(columns := (collection_id))
  )
);

SELECT
  @oso_collection_id(collection_name) AS collection_id,
  collection_name::VARCHAR AS collection_name,
  display_name::VARCHAR AS display_name,
  classifier_prefix::VARCHAR AS classifier_prefix
FROM oso.seed_collections
