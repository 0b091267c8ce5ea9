MODEL (
  name oso.int_events_daily__pypi_releases,
  description 'Releases of each project by day.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column bucket_day
  ),
  start '2000-01-01',
  partitioned_by (YEAR(bucket_day)),
  grain (bucket_day, project_id),
  columns (
    bucket_day DATE,
    event_type VARCHAR,
    project_id VARCHAR,
    amount DOUBLE
  ),
  audits (
    not_null(columns := (bucket_day, project_id)),
    amount_is_not_negative
  )
);

SELECT
  event_date AS bucket_day,
  event_type,
  project_id,
  SUM(amount) AS amount
FROM oso.int_events__pypi_releases
WHERE event_date BETWEEN @start_date AND @end_date
GROUP BY event_date, event_type, project_id
