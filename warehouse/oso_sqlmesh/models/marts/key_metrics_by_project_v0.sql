MODEL (
  name oso.key_metrics_by_project_v0,
  description 'One number for each metric and project over all time, for consumers.',
  kind FULL,
  tags ("entity_category=project"),
  grain (metric_id, project_id),
  audits (
    project_is_known,
    amount_is_not_negative
  )
);

SELECT
  REPLACE(metric_id, '_daily', '_over_all_time')::VARCHAR AS metric_id,
  project_id::VARCHAR AS project_id,
  MAX(sample_date)::DATE AS sample_date,
  SUM(amount)::DOUBLE AS amount
FROM oso.timeseries_metrics_by_project_v0
GROUP BY metric_id, project_id
UNION ALL
SELECT
  'dependents'::VARCHAR AS metric_id,
  project_id::VARCHAR AS project_id,
  CAST(@execution_date AS DATE) AS sample_date,
  dependent_count::DOUBLE AS amount
FROM oso.int_dependents_by_project
