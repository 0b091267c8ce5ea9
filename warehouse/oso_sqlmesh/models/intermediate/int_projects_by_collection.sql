MODEL (
  name oso.int_projects_by_collection,
  description 'Which project belongs to which collection.',
  kind FULL,
  tags ("entity_category=project", "entity_category=collection"),
  grain (collection_id, project_id),
  audits (
    not_null(columns := (collection_id, project_id)),
    unique_combination_of_columns(columns := (collection_id, project_id))
  )
);

SELECT DISTINCT
  collections.collection_id::VARCHAR AS collection_id,
  classifiers.project_id::VARCHAR AS project_id
FROM oso.int_collections AS collections
INNER JOIN oso.stg_pypi__classifiers AS classifiers
  ON STARTS_WITH(classifiers.classifier, collections.classifier_prefix)
