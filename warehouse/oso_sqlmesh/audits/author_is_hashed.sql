AUDIT (
  name author_is_hashed
);

SELECT
  *
FROM @this_model
WHERE
  NOT REGEXP_LIKE(author_hash, '^[0-9a-f]{32}$')
