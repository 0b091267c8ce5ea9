"""Orders of a shop."""

from .tables import RawTable

COLUMNS = {"ID": "BIGINT", "Note": "VARCHAR", "ordered_at": "TIMESTAMP(6)"}


def rows():
    yield 1, "a", None


TABLES = (RawTable("shop", "orders", COLUMNS, rows, "One row for each order."),)
