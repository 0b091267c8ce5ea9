-- expect: 1:1 | Only one SELECT
MODEL (name shop.x, kind FULL);
SELECT 1 AS a;
SELECT 2 AS b
