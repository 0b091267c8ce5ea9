# expect: ok
import os


def f(os):
    return os.nothing
