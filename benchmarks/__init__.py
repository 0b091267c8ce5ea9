"""Measurements beside peers, all in one run: `python -m benchmarks [NAME]`."""
