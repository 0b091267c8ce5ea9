MODEL (
  name oso.seed_pypi__releases,
  kind SEED (
    path '../../seeds/seed_pypi__releases.csv'
  ),
  description 'Sample of pypi.releases.',
  columns (
    name VARCHAR,
    version VARCHAR,
    released_on DATE
  ),
  grain (name, version),
  audits (
    number_of_rows(threshold := 4)
  )
);
