MODEL (
  name oso.int_projects_history,
  description 'What a project said of itself and when that was seen: a new row whenever version, licence or summary change.',
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key project_id,
    columns [version, license, summary]
  ),
  tags ("entity_category=project"),
  grain (project_id, valid_from),
  audits (
    not_null(columns := (project_id))
  )
);

SELECT
  project_id::VARCHAR AS project_id,
  version::VARCHAR AS version,
  license::VARCHAR AS license,
  summary::VARCHAR AS summary
FROM oso.stg_pypi__projects
