MODEL (
  name oso.int_events_monthly_to_project,
  description 'All events of each project by month and type; complete months only.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column bucket_month
  ),
  start '2000-01-01',
  cron '@monthly',
  partitioned_by (YEAR(bucket_month)),
  tags ("entity_category=project"),
  grain (bucket_month, project_id, event_type),
  columns (
    bucket_month DATE,
    event_type VARCHAR,
    project_id VARCHAR,
    amount DOUBLE
  ),
  audits (
    not_null(columns := (bucket_month, project_id)),
    amount_is_not_negative
  )
);

SELECT
  CAST(DATE_TRUNC('month', bucket_day) AS DATE) AS bucket_month,
  event_type,
  project_id,
  SUM(amount) AS amount
FROM oso.int_events_daily_to_project
WHERE bucket_day BETWEEN @start_date AND @end_date
GROUP BY CAST(DATE_TRUNC('month', bucket_day) AS DATE), event_type, project_id
