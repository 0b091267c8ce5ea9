"""Orders of a shop."""

from .tables import RawTable

COLUMNS = {"id": "BIGINT", "note": "VARCHAR", "ordered_at": "TIMESTAMP(6)"}


def rows():
    yield 1, "a", None


TABLES = (RawTable("shop", "orders", COLUMNS, rows, description="One row for each order."),)
