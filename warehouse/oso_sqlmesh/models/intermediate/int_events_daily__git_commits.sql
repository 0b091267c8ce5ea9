MODEL (
  name oso.int_events_daily__git_commits,
  description 'Commits and changed lines of each project by day.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column bucket_day
  ),
  start '2026-11-01',
  partitioned_by (MONTH(bucket_day)),
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
  CAST(event_at AS DATE) AS bucket_day,
  event_type,
  project_id,
  CAST(COUNT(*) AS DOUBLE) AS amount
FROM oso.int_events__git_commits
WHERE event_at BETWEEN CAST(@start_ts AS TIMESTAMP(6)) AND CAST(@end_ts AS TIMESTAMP(6))
GROUP BY CAST(event_at AS DATE), event_type, project_id
UNION ALL
SELECT
  CAST(event_at AS DATE) AS bucket_day,
  'LINES_CHANGED' AS event_type,
  project_id,
  SUM(amount) AS amount
FROM oso.int_events__git_commits
WHERE event_at BETWEEN CAST(@start_ts AS TIMESTAMP(6)) AND CAST(@end_ts AS TIMESTAMP(6))
GROUP BY CAST(event_at AS DATE), project_id
