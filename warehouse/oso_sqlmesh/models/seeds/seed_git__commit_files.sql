MODEL (
  name oso.seed_git__commit_files,
  kind SEED (
    path '../../seeds/seed_git__commit_files.csv'
  ),
  description 'Sample of git.commit_files.',
  columns (
    repository VARCHAR,
    sha VARCHAR,
    path VARCHAR,
    committed_at TIMESTAMP(6),
    additions BIGINT,
    deletions BIGINT
  ),
  grain (sha, path),
  audits (
    number_of_rows(threshold := 4)
  )
);
