MODEL (
  name oso.seed_pypi__requirements,
  kind SEED (
    path '../../seeds/seed_pypi__requirements.csv'
  ),
  description 'Sample of pypi.requirements.',
  columns (
    name VARCHAR,
    position BIGINT,
    requirement VARCHAR,
    requires VARCHAR,
    specifier VARCHAR,
    marker VARCHAR
  ),
  grain (name, position),
  audits (
    number_of_rows(threshold := 4)
  )
);
