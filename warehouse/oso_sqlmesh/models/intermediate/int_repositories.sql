MODEL (
  name oso.int_repositories,
  description 'Distinct repositories with the number of projects that point to them.',
  kind FULL,
  grain repository_url,
  audits (
    unique_values(columns := (repository_url))
  )
);

SELECT
  CONCAT('https://github.com/', repository_owner, '/', repository_name)::VARCHAR AS repository_url,
  repository_owner::VARCHAR AS repository_owner,
  repository_name::VARCHAR AS repository_name,
  COUNT(DISTINCT project_id)::BIGINT AS project_count
FROM oso.stg_github__repositories
GROUP BY repository_owner, repository_name
