MODEL (
  name oso.seed_pypi__classifiers,
  kind SEED (
    path '../../seeds/seed_pypi__classifiers.csv'
  ),
  description 'Sample of pypi.classifiers.',
  columns (
    name VARCHAR,
    classifier VARCHAR
  ),
  grain (name, classifier),
  audits (
    number_of_rows(threshold := 4)
  )
);
