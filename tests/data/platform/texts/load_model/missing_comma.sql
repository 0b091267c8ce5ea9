-- expect: 4:3 kind | does not parse
MODEL (
  name shop.x
  kind FULL
);
SELECT 1 AS a
