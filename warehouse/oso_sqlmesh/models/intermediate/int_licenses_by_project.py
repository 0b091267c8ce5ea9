"""The licence of each project as one SPDX family, so that projects can be counted by it."""

import re
import typing as t
from datetime import datetime

import pandas as pd
from sqlglot import exp
from sqlmesh import ExecutionContext, model

# First match wins: the stricter names contain the looser ones.
FAMILIES = (
    ("AGPL", r"\bagpl|affero"),
    ("LGPL", r"\blgpl|lesser general public"),
    ("GPL", r"\bgpl|general public license"),
    ("MPL", r"\bmpl|mozilla public"),
    ("Apache", r"apache"),
    ("BSD", r"\b(?:0|2-clause |3-clause |new |modified )?bsd"),
    ("MIT", r"\bmit\b"),
    ("ISC", r"\bisc\b"),
    ("PSF", r"\bpsf|python software foundation|python-2"),
)


def license_family(license_name: str | None) -> str:
    """The family of a declared licence; `unknown` when there is none, `other` when no family fits."""
    if not license_name:
        return "unknown"
    lowered = license_name.lower()
    return next((family for family, pattern in FAMILIES if re.search(pattern, lowered)), "other")


@model(
    "oso.int_licenses_by_project",
    description="The declared licence of each project and the family that it belongs to.",
    kind="FULL",
    cron="@daily",
    owner="data-platform",
    tags=["entity_category=project"],
    grain=["project_id"],
    columns={"project_id": "varchar", "license": "varchar", "license_family": "varchar"},
    # Columns, not strings: a quoted name would make each audit look at a constant.
    audits=[
        ("not_null", {"columns": [exp.column("project_id"), exp.column("license_family")]}),
        ("unique_values", {"columns": [exp.column("project_id")]}),
    ],
    depends_on=["oso.stg_pypi__projects"],
)
def execute(
    context: ExecutionContext,
    start: datetime,
    end: datetime,
    execution_time: datetime,
    **kwargs: t.Any,
) -> t.Iterator[pd.DataFrame]:
    table = context.resolve_table("oso.stg_pypi__projects")
    frame = context.fetchdf(exp.select("project_id", "license").from_(table))
    frame["license"] = frame["license"].astype(object).where(frame["license"].notna(), None)
    frame["license_family"] = [license_family(name) for name in frame["license"]]
    if not frame.empty:
        yield frame[["project_id", "license", "license_family"]]
