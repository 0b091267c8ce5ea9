"""Orders are read."""

from oso_dagster.sources import shop__orders


def test_rows():
    """A row has a cell for each column."""
    assert all(len(row) == len(shop__orders.COLUMNS) for row in shop__orders.rows())
