"""Console blocks that a page marks are run in a throw-away copy of the project, and held to what they print."""
