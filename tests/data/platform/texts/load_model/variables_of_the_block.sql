-- expect: ok
MODEL (
  name @customer.x,
  kind INCREMENTAL_BY_TIME_RANGE (time_column a),
  blueprints ((customer := c1), (customer := c2))
);
@DEF(here, 1);
SELECT @here AS a, @EACH([b, c], x -> @x AS d_@x) WHERE a BETWEEN @start_ds AND @end_ds
