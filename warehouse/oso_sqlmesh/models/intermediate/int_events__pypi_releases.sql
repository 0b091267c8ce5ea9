MODEL (
  name oso.int_events__pypi_releases,
  description 'Releases as events.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column event_date
  ),
  start '2000-01-01',
  partitioned_by (YEAR(event_date)),
  grain (project_id, event_key),
  columns (
    event_date DATE,
    event_type VARCHAR,
    event_key VARCHAR,
    project_id VARCHAR,
    amount DOUBLE
  ),
  audits (
    not_null(columns := (event_date, project_id)),
    amount_is_not_negative
  )
);

SELECT
  released_on AS event_date,
  'RELEASE_PUBLISHED' AS event_type,
  version AS event_key,
  project_id,
  CAST(1 AS DOUBLE) AS amount
FROM oso.stg_pypi__releases
WHERE released_on BETWEEN @start_date AND @end_date
