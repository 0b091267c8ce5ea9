MODEL (
  name oso.int_projects,
  description 'Every project: the installed ones, and those that only a requirement names.',
  kind FULL,
  tags ("entity_category=project"),
  grain project_id,
  audits (
    not_null(columns := (project_id)),
    unique_values(columns := (project_id))
  )
);

WITH named AS (
  SELECT project_id FROM oso.stg_pypi__projects
  UNION
  SELECT required_project_id AS project_id FROM oso.stg_pypi__requirements
)
SELECT
  named.project_id::VARCHAR AS project_id,
  COALESCE(projects.project_name, SUBSTRING(named.project_id, 6))::VARCHAR AS project_name,
  projects.version::VARCHAR AS version,
  projects.summary::VARCHAR AS description,
  projects.author_hash::VARCHAR AS author_hash,
  (projects.project_id IS NOT NULL)::BOOLEAN AS is_installed
FROM named
LEFT JOIN oso.stg_pypi__projects AS projects
  ON named.project_id = projects.project_id
