"""The processes that load somebody's project, and what runs in them."""
