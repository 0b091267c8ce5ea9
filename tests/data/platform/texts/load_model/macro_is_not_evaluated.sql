-- expect: ok
MODEL (name shop.x, kind FULL, owner @IF("a' if exec('raise SystemExit(3)') else 'b", 'x', 'y'));
@DEF(size, @EVAL(POWER(9, POWER(9, POWER(9, 9)))));
SELECT @IF("a' if exec('raise SystemExit(3)') else 'b", 1, 2) AS project_id, @EVAL(POWER(9, POWER(9, 9))) AS b
