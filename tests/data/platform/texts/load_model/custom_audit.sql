-- expect: ok
MODEL (name shop.x, kind FULL, audits (totals_are_positive));
SELECT 1 AS total_cents
