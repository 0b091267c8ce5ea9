MODEL (
  name oso.seed_collections,
  kind SEED (
    path '../../seeds/seed_collections.csv'
  ),
  description 'Which trove classifiers make a collection: a project belongs to it when a classifier starts with the prefix.',
  columns (
    collection_name VARCHAR,
    display_name VARCHAR,
    classifier_prefix VARCHAR
  ),
  grain (collection_name),
  audits (
    number_of_rows(threshold := 4)
  )
);
