-- expect: 1:1 | no MODEL block
SELECT 1 AS a
