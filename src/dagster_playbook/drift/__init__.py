"""Mutation testing of documentation: change one thing, and see whether the check tells it, and where.

A page or the platform is changed in a copy of the project; a check that says nothing of it has let it survive.
"""
