-- expect: 2:40 nope | undefined
MODEL (name shop.x, kind FULL, audits (nope));
SELECT 1 AS a
