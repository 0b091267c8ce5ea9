MODEL (
  name oso.int_dependents_by_project,
  description 'How many installed projects depend on each project.',
  kind FULL,
  cron '@weekly',
  grain project_id,
  audits (
    unique_values(columns := (project_id))
  )
);

SELECT
  dependency_id::VARCHAR AS project_id,
  COUNT(DISTINCT project_id)::BIGINT AS dependent_count,
  COUNT(DISTINCT CASE WHEN NOT is_optional THEN project_id END)::BIGINT AS required_dependent_count
FROM oso.int_code_dependencies
GROUP BY dependency_id
