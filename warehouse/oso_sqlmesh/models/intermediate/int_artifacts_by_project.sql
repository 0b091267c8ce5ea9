MODEL (
  name oso.int_artifacts_by_project,
  description 'What a project consists of: its package and its repositories.',
  kind VIEW,
  tags ("entity_category=project"),
  grain (project_id, artifact_source, artifact_name),
  audits (
    not_null(columns := (project_id, artifact_name))
  )
);

SELECT
  project_id::VARCHAR AS project_id,
  'PYPI'::VARCHAR AS artifact_source,
  project_name::VARCHAR AS artifact_name
FROM oso.stg_pypi__projects
UNION ALL
SELECT
  project_id::VARCHAR AS project_id,
  'GITHUB'::VARCHAR AS artifact_source,
  CONCAT(repository_owner, '/', repository_name)::VARCHAR AS artifact_name
FROM oso.stg_github__repositories
