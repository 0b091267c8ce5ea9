# expect: 2:5 | never closed
x = (
