# expect: ok
import numpy.linalg._umath_linalg

numpy.linalg._umath_linalg.whatever
