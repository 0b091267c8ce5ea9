MODEL (
  name oso.int_latest_release_by_project,
  description 'The latest dated release of each project, with the earlier ones kept as history.',
  kind SCD_TYPE_2_BY_TIME (
    unique_key project_id,
    updated_at_name released_at
  ),
  grain (project_id, valid_from),
  audits (
    not_null(columns := (project_id, version))
  )
);

WITH ranked AS (
  SELECT
    project_id,
    version,
    released_on,
    ROW_NUMBER() OVER (PARTITION BY project_id ORDER BY released_on DESC, version DESC) AS position
  FROM oso.stg_pypi__releases
)
SELECT
  project_id::VARCHAR AS project_id,
  version::VARCHAR AS version,
  CAST(released_on AS TIMESTAMP) AS released_at
FROM ranked
WHERE position = 1
