-- expect: 4:3 knd | Did you mean 'kind'
MODEL (
  name shop.x,
  knd FULL
);
SELECT 1 AS a
