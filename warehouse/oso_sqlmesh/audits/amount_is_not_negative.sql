AUDIT (
  name amount_is_not_negative
);

SELECT
  *
FROM @this_model
WHERE
  amount < 0
