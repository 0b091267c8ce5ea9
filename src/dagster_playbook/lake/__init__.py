"""Files and commits of the lake: what is reachable, and what may be deleted."""
