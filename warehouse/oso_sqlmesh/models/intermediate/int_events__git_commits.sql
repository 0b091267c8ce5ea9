MODEL (
  name oso.int_events__git_commits,
  description 'Commits as events, each with the number of lines that it changed as its amount.',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column event_at
  ),
  start '2026-11-01',
  cron '@hourly',
  partitioned_by (MONTH(event_at)),
  grain event_key,
  columns (
    event_at TIMESTAMP(6),
    event_type VARCHAR,
    event_key VARCHAR,
    project_id VARCHAR,
    author_hash VARCHAR,
    amount DOUBLE
  ),
  audits (
    not_null(columns := (event_at, project_id)),
    unique_values(columns := (event_key)),
    amount_is_not_negative
  )
);

WITH changed AS (
  SELECT
    sha,
    SUM(additions + deletions) AS line_count
  FROM oso.stg_git__commit_files
  GROUP BY sha
)
SELECT
  commits.committed_at AS event_at,
  'COMMIT_CODE' AS event_type,
  commits.sha AS event_key,
  commits.project_id,
  commits.author_hash,
  CAST(COALESCE(changed.line_count, 0) AS DOUBLE) AS amount
FROM oso.stg_git__commits AS commits
LEFT JOIN changed
  ON commits.sha = changed.sha
WHERE commits.committed_at BETWEEN CAST(@start_ts AS TIMESTAMP(6)) AND CAST(@end_ts AS TIMESTAMP(6))
