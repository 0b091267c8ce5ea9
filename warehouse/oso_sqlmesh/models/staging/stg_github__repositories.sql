MODEL (
  name oso.stg_github__repositories,
  description 'GitHub repositories that the metadata of a project points to, once for each project.',
  kind FULL,
  tags ("entity_category=project"),
  grain (project_id, repository_owner, repository_name),
  audits (
    not_null(columns := (project_id, repository_owner, repository_name)),
    unique_combination_of_columns(columns := (project_id, repository_owner, repository_name))
  )
);

WITH parts AS (
  SELECT
    @oso_project_id(name) AS project_id,
    LOWER(SPLIT_PART(url, '/', 4)) AS repository_owner,
    LOWER(SPLIT_PART(SPLIT_PART(SPLIT_PART(url, '/', 5), '#', 1), '?', 1)) AS repository_name
  FROM @oso_source('pypi.project_urls')
  WHERE url LIKE 'https://github.com/%/%'
), named AS (
  SELECT
    project_id,
    repository_owner,
    CASE
      WHEN repository_name LIKE '%.git'
      THEN SUBSTRING(repository_name, 1, LENGTH(repository_name) - 4)
      ELSE repository_name
    END AS repository_name
  FROM parts
)
SELECT DISTINCT
  project_id::VARCHAR AS project_id,
  repository_owner::VARCHAR AS repository_owner,
  repository_name::VARCHAR AS repository_name
FROM named
WHERE repository_name <> '' AND repository_name <> '.github'
