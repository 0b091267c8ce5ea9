-- expect: 3:30 nope | Macro variable 'nope' is undefined
MODEL (name shop.x, kind FULL);
SELECT 1 AS a WHERE 1 = 1 + @nope
