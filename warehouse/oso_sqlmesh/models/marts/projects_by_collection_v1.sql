MODEL (
  name oso.projects_by_collection_v1,
  description 'Which project belongs to which collection, with both names, for consumers.',
  kind FULL,
  tags ("entity_category=collection"),
  grain (collection_id, project_id),
  audits (
    unique_combination_of_columns(columns := (collection_id, project_id)),
    project_is_known
  )
);

SELECT
  members.project_id::VARCHAR AS project_id,
  projects.project_name::VARCHAR AS project_name,
  members.collection_id::VARCHAR AS collection_id,
  collections.collection_name::VARCHAR AS collection_name
FROM oso.int_projects_by_collection AS members
INNER JOIN oso.projects_v1 AS projects
  ON members.project_id = projects.project_id
INNER JOIN oso.collections_v1 AS collections
  ON members.collection_id = collections.collection_id
