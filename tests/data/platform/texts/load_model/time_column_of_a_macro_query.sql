-- expect: 2:65 nope | missing in the model definition
MODEL (name shop.x, kind INCREMENTAL_BY_TIME_RANGE (time_column nope));
SELECT 1 AS a FROM shop.stg_orders WHERE @IF(TRUE, 1 = 1)
