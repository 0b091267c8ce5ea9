# expect: ok
try:
    import nosuchmodule
except ImportError:
    nosuchmodule = None
