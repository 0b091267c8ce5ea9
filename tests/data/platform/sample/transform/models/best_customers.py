"""A model in Python: the customers who spent most."""

import typing as t
from datetime import datetime

import pandas as pd
from sqlmesh import ExecutionContext, model


@model(
    "shop.best_customers",
    kind="FULL",
    columns={"customer_id": "int", "rank": "int"},
    depends_on=["shop.customers"],
    tags=["mart"],
)
def execute(
    context: ExecutionContext, start: datetime, end: datetime, execution_time: datetime, **kwargs: t.Any
) -> pd.DataFrame:
    """The ten customers with the largest total."""
    table = context.resolve_table("shop.customers")
    return context.fetchdf(
        f"SELECT customer_id, row_number() OVER (ORDER BY total_cents DESC) AS rank FROM {table} LIMIT 10"
    )
