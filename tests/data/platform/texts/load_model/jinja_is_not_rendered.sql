-- expect: ok
MODEL (name shop.x, kind FULL);
JINJA_QUERY_BEGIN;
SELECT {{ ''.__class__.__mro__ }} AS a
JINJA_END;
