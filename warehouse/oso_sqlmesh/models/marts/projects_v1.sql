MODEL (
  name oso.projects_v1,
  description 'Projects, for consumers.',
  kind FULL,
  tags ("entity_category=project"),
  grain project_id,
  audits (
    not_null(columns := (project_id, project_name)),
    unique_values(columns := (project_id)),
    number_of_rows(threshold := 2)
  )
);

SELECT
  projects.project_id::VARCHAR AS project_id,
  'PYPI'::VARCHAR AS project_source,
  projects.project_name::VARCHAR AS project_name,
  projects.version::VARCHAR AS version,
  projects.description::VARCHAR AS description,
  licenses.license_family::VARCHAR AS license_family,
  projects.is_installed::BOOLEAN AS is_installed
FROM oso.int_projects AS projects
LEFT JOIN oso.int_licenses_by_project AS licenses
  ON projects.project_id = licenses.project_id
