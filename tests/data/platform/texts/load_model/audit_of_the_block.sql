-- expect: ok
MODEL (name shop.x, kind FULL, audits (own));
SELECT 1 AS a;
AUDIT (name own);
SELECT * FROM @this_model WHERE a < @least
