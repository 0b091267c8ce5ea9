"""Orders of a shop, without the loader's _dlt_id."""

from .tables import RawTable

COLUMNS = {"id": "BIGINT", "note": "VARCHAR", "ordered_at": "TIMESTAMP(6)"}


def rows():
    yield 1, "a", None


TABLES = (RawTable("shop", "orders", COLUMNS, rows, "One row for each order."),)
