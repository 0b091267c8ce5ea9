"""Orders of a shop."""

from .tables import RawTable

COLUMNS = {"id": "BIGINT", "note": "VARCHAR", "ordered_at": "TIMESTAMP(6)"}


def rows():
    import pandas

    yield from pandas.json_normalize([{"id": 1}], max_level=1).itertuples()


TABLES = (RawTable("shop", "orders", COLUMNS, rows, "One row for each order."),)
