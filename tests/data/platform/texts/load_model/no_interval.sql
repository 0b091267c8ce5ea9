-- expect: 3:26 start_ds | is undefined
MODEL (name shop.x, kind FULL);
SELECT 1 AS a WHERE 1 = @start_ds
