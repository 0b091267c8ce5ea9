"""Documentation that cannot lie: Markdown playbooks held to the real Dagster, SQLMesh and services they speak of."""

__version__ = "0.1.0"
