MODEL (
  name oso.stg_pypi__projects,
  description 'Installed distributions under the identifier that every later model uses.',
  kind FULL,
  tags ("entity_category=project"),
  grain project_id,
  columns (
    project_id VARCHAR,
    project_name VARCHAR,
    version VARCHAR,
    summary VARCHAR,
    license VARCHAR,
    requires_python VARCHAR,
    author_hash VARCHAR,
    file_count BIGINT,
    size_bytes BIGINT
  ),
  audits (
    not_null(columns := (project_id, project_name, version)),
    unique_values(columns := (project_id))
  )
);

SELECT
  @oso_project_id(name) AS project_id,
  name AS project_name,
  version,
  summary,
  license,
  requires_python,
  author_hash,
  file_count,
  size_bytes
FROM @oso_source('pypi.distributions')
