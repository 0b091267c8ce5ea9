# expect: ok
from sample_location.definitions import defs, load_orders
