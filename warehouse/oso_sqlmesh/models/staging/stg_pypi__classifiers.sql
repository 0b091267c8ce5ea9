MODEL (
  name oso.stg_pypi__classifiers,
  description 'Trove classifiers of the projects.',
  kind FULL,
  grain (project_id, classifier),
  audits (
    not_null(columns := (project_id, classifier)),
    unique_combination_of_columns(columns := (project_id, classifier))
  )
);

SELECT
  @oso_project_id(name) AS project_id,
  classifier::VARCHAR AS classifier
FROM @oso_source('pypi.classifiers')
