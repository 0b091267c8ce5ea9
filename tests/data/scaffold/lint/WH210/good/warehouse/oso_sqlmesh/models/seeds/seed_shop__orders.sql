MODEL (
  name oso.seed_shop__orders,
  kind SEED (
    path '../../seeds/seed_shop__orders.csv',
    csv_settings (keep_default_na = false, na_values = [''])
  ),
  columns (
    id BIGINT,
    note VARCHAR,
    ordered_at TIMESTAMP(6)
  )
);
