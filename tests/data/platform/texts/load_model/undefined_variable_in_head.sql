-- expect: 2:39 nope | Macro variable 'nope' is undefined
MODEL (name shop.x, kind FULL, owner @nope);
SELECT 1 AS a
