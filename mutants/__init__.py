"""Small changes to the code that keeps the promises, each of which a unit test has to notice.

Why a runner of our own: mutmut, the well-kept one, leaves everything outside functions alone (the tables and limits
that decide here), spends most of its mutants on the words of messages and the names of encodings, and works on a copy
of the project.
"""
