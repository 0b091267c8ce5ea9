# expect: 2:27 nothing | has no name
from venv.__main__ import nothing
