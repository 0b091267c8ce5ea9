MODEL (
  name oso.sboms_v0,
  description 'The bill of materials: which project depends on which, for consumers.',
  kind FULL,
  grain (project_id, dependency_id),
  audits (
    unique_combination_of_columns(columns := (project_id, dependency_id)),
    project_is_known
  )
);

SELECT
  project_id::VARCHAR AS project_id,
  dependency_id::VARCHAR AS dependency_id,
  is_optional::BOOLEAN AS is_optional
FROM oso.int_code_dependencies
