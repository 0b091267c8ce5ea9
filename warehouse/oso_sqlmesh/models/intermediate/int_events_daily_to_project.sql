MODEL (
  name oso.int_events_daily_to_project,
  description 'All events of each project by day and type.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column bucket_day
  ),
  start '2000-01-01',
  partitioned_by (YEAR(bucket_day)),
  tags ("entity_category=project"),
  grain (bucket_day, project_id, event_type),
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
  bucket_day,
  event_type,
  project_id,
  amount
FROM oso.int_events_daily__pypi_releases
WHERE bucket_day BETWEEN @start_date AND @end_date
UNION ALL
SELECT
  bucket_day,
  event_type,
  project_id,
  amount
FROM oso.int_events_daily__git_commits
WHERE bucket_day BETWEEN @start_date AND @end_date
