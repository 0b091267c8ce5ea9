"""Python modules and their members, read from sources; nothing is imported."""
