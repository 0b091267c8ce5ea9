-- expect: 2:40 nowhere | no gateway
MODEL (name shop.x, kind FULL, gateway nowhere);
SELECT 1 AS a
