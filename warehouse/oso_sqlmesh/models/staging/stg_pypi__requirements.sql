MODEL (
  name oso.stg_pypi__requirements,
  description 'Declared requirements, both ends under project identifiers; optional ones carry a marker.',
  kind FULL,
  tags ("entity_category=project"),
  grain (project_id, position),
  audits (
    not_null(columns := (project_id, required_project_id)),
    unique_combination_of_columns(columns := (project_id, position))
  )
);

SELECT
  @oso_project_id(name) AS project_id,
  position::BIGINT AS position,
  requirement::VARCHAR AS requirement,
  @oso_project_id(requires) AS required_project_id,
  specifier::VARCHAR AS specifier,
  marker::VARCHAR AS marker,
  (COALESCE(marker, '') LIKE '%extra ==%')::BOOLEAN AS is_optional
FROM @oso_source('pypi.requirements')
