# expect: 2:25 fly | has no name
from antigravity import fly
