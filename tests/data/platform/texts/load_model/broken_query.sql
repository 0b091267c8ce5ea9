-- expect: 7:1 WHERE | does not parse
MODEL (
  name shop.x,
  kind FULL
);
SELECT a FROM
WHERE 1 = 1
