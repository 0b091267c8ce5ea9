# expect: 3:47 nope | has no name
# expect: 4:1 sample_location.nope | no module
from sample_location.definitions import defs, nope
from sample_location.nope import x
