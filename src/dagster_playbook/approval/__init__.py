"""Approvals: who may change production, proven by SSH signatures.

The standard library and `ssh-keygen` are all that this package needs, so that a Dagster code location can import it
and refuse a restatement by itself.
"""
