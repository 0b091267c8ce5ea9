"""A code location with an op job, an asset job, a resource, a sensor and a schedule."""
