MODEL (
  name oso.stg_git__commits,
  description 'Commits of the repository, by the hour in which they were committed (UTC).',
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column committed_at
  ),
  start '2026-11-01',
  cron '@hourly',
  partitioned_by (MONTH(committed_at)),
  grain sha,
  columns (
    project_id VARCHAR,
    sha VARCHAR,
    author_hash VARCHAR,
    authored_at TIMESTAMP(6),
    committed_at TIMESTAMP(6),
    is_merge BOOLEAN
  ),
  audits (
    not_null(columns := (sha, author_hash, committed_at)),
    unique_values(columns := (sha)),
    author_is_hashed
  )
);

SELECT
  @oso_project_id(repository) AS project_id,
  sha,
  author_hash,
  authored_at,
  committed_at,
  parent_count > 1 AS is_merge
FROM @oso_source('git.commits')
WHERE committed_at BETWEEN CAST(@start_ts AS TIMESTAMP(6)) AND CAST(@end_ts AS TIMESTAMP(6))
