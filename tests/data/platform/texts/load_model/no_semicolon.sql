-- expect: ok
MODEL (name shop.big_orders, kind VIEW)
