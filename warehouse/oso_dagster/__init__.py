"""The reference Dagster code location: source assets, one SQLMesh project, and the consumer tag."""
