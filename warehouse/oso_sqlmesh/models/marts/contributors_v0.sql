MODEL (
  name oso.contributors_v0,
  description 'Contributors by hash, with the number of their commits, for consumers.',
  kind FULL,
  cron '@hourly',
  grain (project_id, author_hash),
  audits (
    author_is_hashed,
    unique_combination_of_columns(columns := (project_id, author_hash))
  )
);

SELECT
  contributors.project_id::VARCHAR AS project_id,
  contributors.author_hash::VARCHAR AS author_hash,
  contributors.first_commit_at::TIMESTAMP(6) AS first_commit_at,
  contributors.last_commit_at::TIMESTAMP(6) AS last_commit_at,
  COUNT(commits.sha)::BIGINT AS commit_count
FROM oso.int_contributors AS contributors
LEFT JOIN oso.stg_git__commits AS commits
  ON contributors.project_id = commits.project_id
  AND contributors.author_hash = commits.author_hash
GROUP BY
  contributors.project_id,
  contributors.author_hash,
  contributors.first_commit_at,
  contributors.last_commit_at
