MODEL (
  name oso.int_contributors,
  description 'Authors by the hash of their address, with the days that they were first and last seen; merged by author.',
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (project_id, author_hash)
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

/* Who committed in the interval gets a new row over the whole history: DuckDB cannot merge column by column. */
WITH active AS (
  SELECT DISTINCT
    project_id,
    author_hash
  FROM oso.stg_git__commits
  WHERE committed_at BETWEEN CAST(@start_ts AS TIMESTAMP(6)) AND CAST(@end_ts AS TIMESTAMP(6))
)
SELECT
  commits.project_id,
  commits.author_hash,
  MIN(commits.committed_at) AS first_commit_at,
  MAX(commits.committed_at) AS last_commit_at
FROM oso.stg_git__commits AS commits
INNER JOIN active
  ON commits.project_id = active.project_id
  AND commits.author_hash = active.author_hash
GROUP BY commits.project_id, commits.author_hash
