MODEL (
  name oso.stg_pypi__releases,
  description 'Dated releases from the change logs that distributions carry in their metadata.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column released_on
  ),
  start '2000-01-01',
  partitioned_by (YEAR(released_on)),
  grain (project_id, version),
  columns (
    project_id VARCHAR,
    version VARCHAR,
    released_on DATE
  ),
  audits (
    not_null(columns := (project_id, version, released_on)),
    unique_combination_of_columns(columns := (project_id, version))
  )
);

SELECT
  @oso_project_id(name) AS project_id,
  version,
  released_on
FROM @oso_source('pypi.releases')
WHERE released_on BETWEEN @start_date AND @end_date
