MODEL (
  name oso.timeseries_metrics_by_project_v0,
  description 'Daily metrics of the projects, for consumers.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column sample_date
  ),
  start '2000-01-01',
  partitioned_by (YEAR(sample_date)),
  tags ("entity_category=project"),
  grain (metric_id, project_id, sample_date),
  columns (
    metric_id VARCHAR,
    project_id VARCHAR,
    sample_date DATE,
    amount DOUBLE
  ),
  audits (
    not_null(columns := (metric_id, project_id, sample_date)),
    unique_combination_of_columns(columns := (metric_id, project_id, sample_date)),
    amount_is_not_negative
  )
);

SELECT
  CONCAT(LOWER(event_type), '_daily') AS metric_id,
  project_id,
  bucket_day AS sample_date,
  SUM(amount) AS amount
FROM oso.int_events_daily_to_project
WHERE bucket_day BETWEEN @start_date AND @end_date
GROUP BY event_type, project_id, bucket_day
