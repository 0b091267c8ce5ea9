MODEL (
  name oso.seed_shop__orders,
  kind SEED (
    path '../../seeds/seed_shop__orders.csv'
  ),
  columns (
    id BIGINT,
    note VARCHAR,
    ordered_at TIMESTAMP(6)
  )
);
