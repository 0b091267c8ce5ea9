-- expect: 2:40 nodialect | Unknown dialect
MODEL (name shop.x, kind FULL, dialect nodialect);
SELECT 1 AS a
