MODEL (
  name shop.int_daily_orders,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column ordered_on
  ),
  cron '@hourly',
  tags ("entity_category=order"),
  audits (totals_are_positive)
);

SELECT
  ordered_on,
  COUNT(*)::BIGINT AS orders,
  SUM(total_cents)::BIGINT AS total_cents
FROM shop.stg_orders
WHERE
  ordered_on BETWEEN @start_date AND @end_date
GROUP BY
  ordered_on
