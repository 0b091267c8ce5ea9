MODEL (
  name oso.stg_pypi__project_urls,
  description 'Labelled addresses of the projects. A view: nothing that consumers read may read it directly.',
  kind VIEW,
  grain (project_id, label),
  audits (
    not_null(columns := (project_id, url))
  )
);

SELECT
  @oso_project_id(name) AS project_id,
  label::VARCHAR AS label,
  url::VARCHAR AS url
FROM @oso_source('pypi.project_urls')
