MODEL (
  name oso.seed_pypi__distributions,
  kind SEED (
    path '../../seeds/seed_pypi__distributions.csv'
  ),
  description 'Sample of pypi.distributions, to work on models without loading the sources.',
  columns (
    name VARCHAR,
    version VARCHAR,
    summary VARCHAR,
    license VARCHAR,
    requires_python VARCHAR,
    metadata_version VARCHAR,
    author_hash VARCHAR,
    file_count BIGINT,
    size_bytes BIGINT
  ),
  grain (name),
  audits (
    number_of_rows(threshold := 4)
  )
);
