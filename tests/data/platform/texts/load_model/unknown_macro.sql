-- expect: 3:9 nope | does not exist
MODEL (name shop.x, kind FULL);
SELECT @nope(1) AS a
