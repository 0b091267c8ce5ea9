MODEL (
  name oso.timeseries_metrics_by_collection_v0,
  description 'Daily metrics of the collections: the sums of their projects, for consumers.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column sample_date
  ),
  start '2000-01-01',
  partitioned_by (YEAR(sample_date)),
  tags ("entity_category=collection"),
  grain (metric_id, collection_id, sample_date),
  columns (
    metric_id VARCHAR,
    collection_id VARCHAR,
    sample_date DATE,
    amount DOUBLE
  ),
  audits (
    not_null(columns := (metric_id, collection_id, sample_date)),
    unique_combination_of_columns(columns := (metric_id, collection_id, sample_date)),
    amount_is_not_negative
  )
);

SELECT
  metrics.metric_id,
  members.collection_id,
  metrics.sample_date,
  SUM(metrics.amount) AS amount
FROM oso.timeseries_metrics_by_project_v0 AS metrics
INNER JOIN oso.int_projects_by_collection AS members
  ON metrics.project_id = members.project_id
WHERE metrics.sample_date BETWEEN @start_date AND @end_date
GROUP BY metrics.metric_id, members.collection_id, metrics.sample_date
