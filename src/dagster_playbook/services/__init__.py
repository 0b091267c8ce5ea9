"""Clients of running services: Nessie, Trino, Dagster, BigQuery, Postgres."""
