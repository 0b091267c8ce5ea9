-- expect: 2:40 nope | undefined
MODEL (name shop.x, kind FULL, audits (nope(columns := @columns), not_null(columns := @columns)));
SELECT 1 AS a
