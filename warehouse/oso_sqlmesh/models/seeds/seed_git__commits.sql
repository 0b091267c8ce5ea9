MODEL (
  name oso.seed_git__commits,
  kind SEED (
    path '../../seeds/seed_git__commits.csv'
  ),
  description 'Sample of git.commits.',
  columns (
    repository VARCHAR,
    sha VARCHAR,
    author_hash VARCHAR,
    authored_at TIMESTAMP(6),
    committed_at TIMESTAMP(6),
    parent_count BIGINT
  ),
  grain (sha),
  audits (
    number_of_rows(threshold := 4)
  )
);
