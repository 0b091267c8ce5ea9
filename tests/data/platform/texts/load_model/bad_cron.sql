-- expect: 2:38 not a cron | Invalid cron
MODEL (name shop.x, kind FULL, cron 'not a cron');
SELECT 1 AS a
