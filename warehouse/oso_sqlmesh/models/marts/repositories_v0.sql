MODEL (
  name oso.repositories_v0,
  description 'Repositories that projects point to, for consumers.',
  kind FULL,
  grain repository_url,
  audits (
    unique_values(columns := (repository_url)),
    accepted_range(column := project_count, min_v := 1)
  )
);

SELECT
  repository_url::VARCHAR AS repository_url,
  repository_owner::VARCHAR AS repository_owner,
  repository_name::VARCHAR AS repository_name,
  project_count::BIGINT AS project_count
FROM oso.int_repositories
