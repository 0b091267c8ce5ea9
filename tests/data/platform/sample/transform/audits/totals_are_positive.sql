AUDIT (
  name totals_are_positive
);

SELECT
  *
FROM @this_model
WHERE
  total_cents < 0
