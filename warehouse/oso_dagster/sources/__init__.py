"""Open-source facts that every machine has: the metadata of installed distributions and a git history."""
