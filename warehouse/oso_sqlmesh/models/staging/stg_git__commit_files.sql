MODEL (
  name oso.stg_git__commit_files,
  description 'Files that each commit changed, with their suffix; merged by commit and path.',
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (sha, path)
  ),
  start '2026-11-01',
  cron '@hourly',
  grain (sha, path),
  columns (
    project_id VARCHAR,
    sha VARCHAR,
    path VARCHAR,
    suffix VARCHAR,
    committed_at TIMESTAMP(6),
    additions BIGINT,
    deletions BIGINT
  ),
  audits (
    not_null(columns := (sha, path)),
    unique_combination_of_columns(columns := (sha, path))
  )
);

SELECT
  @oso_project_id(repository) AS project_id,
  sha,
  path,
  COALESCE(REGEXP_EXTRACT(path, '[.][A-Za-z0-9]+$'), '') AS suffix,
  committed_at,
  COALESCE(additions, 0) AS additions,
  COALESCE(deletions, 0) AS deletions
FROM @oso_source('git.commit_files')
WHERE committed_at BETWEEN CAST(@start_ts AS TIMESTAMP(6)) AND CAST(@end_ts AS TIMESTAMP(6))
