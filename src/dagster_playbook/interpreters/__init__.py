"""Which Python loads a project, what it has installed, and what changes when it does."""
