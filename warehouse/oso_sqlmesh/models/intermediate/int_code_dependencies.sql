MODEL (
  name oso.int_code_dependencies,
  description 'Distinct dependencies between projects; optional when every requirement of the pair is.',
  kind FULL,
  grain (project_id, dependency_id),
  audits (
    unique_combination_of_columns(columns := (project_id, dependency_id))
  )
);

SELECT
  project_id::VARCHAR AS project_id,
  required_project_id::VARCHAR AS dependency_id,
  (MIN(CASE WHEN is_optional THEN 1 ELSE 0 END) = 1)::BOOLEAN AS is_optional,
  COUNT(*)::BIGINT AS requirement_count
FROM oso.stg_pypi__requirements
WHERE project_id <> required_project_id
GROUP BY project_id, required_project_id
