-- expect: ok
MODEL (
  name shop.big_orders,
  kind INCREMENTAL_BY_TIME_RANGE (time_column ordered_on)
);
