MODEL (
  name oso.artifacts_by_project_v1,
  description 'Packages and repositories of the projects, for consumers.',
  kind FULL,
  tags ("entity_category=project"),
  grain (project_id, artifact_source, artifact_name),
  audits (
    project_is_known,
    accepted_values(column := artifact_source, is_in := ('PYPI', 'GITHUB'))
  )
);

SELECT
  project_id::VARCHAR AS project_id,
  artifact_source::VARCHAR AS artifact_source,
  artifact_name::VARCHAR AS artifact_name
FROM oso.int_artifacts_by_project
