-- expect: 2:26 INCREMENTAL | not a valid model kind
MODEL (name shop.x, kind INCREMENTAL);
SELECT 1 AS a
