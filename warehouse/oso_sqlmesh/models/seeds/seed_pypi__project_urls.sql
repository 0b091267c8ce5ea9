MODEL (
  name oso.seed_pypi__project_urls,
  kind SEED (
    path '../../seeds/seed_pypi__project_urls.csv'
  ),
  description 'Sample of pypi.project_urls.',
  columns (
    name VARCHAR,
    label VARCHAR,
    url VARCHAR
  ),
  grain (name, label),
  audits (
    number_of_rows(threshold := 4)
  )
);
