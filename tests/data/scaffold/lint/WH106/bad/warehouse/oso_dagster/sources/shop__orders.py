"""Orders of a shop."""

from .tables import RawTable

COLUMNS = {"id": "BIGINT", "note": "VARCHAR", "ordered_at": "TIMESTAMP(6)"}


def rows():
    from google.cloud import bigquery

    yield from bigquery.Client().query("SELECT 1").result()


TABLES = (RawTable("shop", "orders", COLUMNS, rows, "One row for each order."),)
