-- expect: ok
MODEL (name shop.x, kind SEED (path '../../../../../../../../../../../../etc/passwd'));
