MODEL (
  name oso.metrics_v0,
  description 'The metrics that the time series hold, one for each type of event that was seen, for consumers.',
  kind FULL,
  grain metric_id,
  audits (
    not_null(columns := (metric_id)),
    unique_values(columns := (metric_id))
  )
);

SELECT DISTINCT
  CONCAT(LOWER(event_type), '_daily')::VARCHAR AS metric_id,
  event_type::VARCHAR AS event_type,
  'sum'::VARCHAR AS aggregation
FROM oso.int_events_daily_to_project
