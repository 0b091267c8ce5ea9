-- expect: ok
MODEL (
  name shop.seed_x,
  kind SEED (path '../seeds/not_there_yet.csv'),
  columns (a INT)
);
