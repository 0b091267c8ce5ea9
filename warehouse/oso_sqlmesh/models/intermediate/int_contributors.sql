MODEL (
  name oso.int_contributors,
  description 'Authors by the hash of their address, with the days that they were first and last seen; merged by author.',
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (project_id, author_hash),
    when_matched (
      WHEN MATCHED THEN UPDATE SET
        target.last_commit_at = GREATEST(target.last_commit_at, source.last_commit_at),
        target.first_commit_at = LEAST(target.first_commit_at, source.first_commit_at)
    )
  ),
  start '2026-11-01',
  cron '@hourly',
  grain (project_id, author_hash),
  columns (
    project_id VARCHAR,
    author_hash VARCHAR,
    first_commit_at TIMESTAMP(6),
    last_commit_at TIMESTAMP(6)
  ),
  audits (
    author_is_hashed,
    unique_combination_of_columns(columns := (project_id, author_hash))
  )
);

SELECT
  project_id,
  author_hash,
  MIN(committed_at) AS first_commit_at,
  MAX(committed_at) AS last_commit_at
FROM oso.stg_git__commits
WHERE committed_at BETWEEN CAST(@start_ts AS TIMESTAMP(6)) AND CAST(@end_ts AS TIMESTAMP(6))
GROUP BY project_id, author_hash
