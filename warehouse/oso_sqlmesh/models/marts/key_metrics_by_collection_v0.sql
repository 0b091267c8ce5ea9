MODEL (
  name oso.key_metrics_by_collection_v0,
  description 'One number for each metric and collection, the sum over its projects, for consumers.',
  kind FULL,
  tags ("entity_category=collection"),
  grain (metric_id, collection_id),
  audits (
    not_null(columns := (metric_id, collection_id)),
    amount_is_not_negative
  )
);

SELECT
  metrics.metric_id::VARCHAR AS metric_id,
  members.collection_id::VARCHAR AS collection_id,
  MAX(metrics.sample_date)::DATE AS sample_date,
  SUM(metrics.amount)::DOUBLE AS amount
FROM oso.key_metrics_by_project_v0 AS metrics
INNER JOIN oso.projects_by_collection_v1 AS members
  ON metrics.project_id = members.project_id
GROUP BY metrics.metric_id, members.collection_id
