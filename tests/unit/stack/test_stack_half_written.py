"""What a full disk leaves in the object store's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagster_playbook.stack.services.lake import clear_half_written

LEFT = "20261123_140024_00005_aa52z-00418e2c-09c6-432b-bc62-89f1bc12061a.parquet-06d293f8-81dd-446f-b052-bdad0ec99163"


@pytest.mark.skipif(not hasattr(os, "listxattr"), reason="extended attributes are asked for on Linux")
def test_only_what_is_half_written_is_cleared(tmp_path: Path) -> None:
    """A file of S3Proxy's own making without attributes is deleted; objects and folders with such names stay."""
    table = tmp_path / "oso" / "facts_463956ce-83a1-4180-aabb-18a7c530a938"
    table.mkdir(parents=True)
    for name in (LEFT, "whole.parquet", "06d293f8-81dd-446f-b052-bdad0ec99163.metadata.json"):
        (table / name).write_bytes(b"x")
    assert clear_half_written(tmp_path) == 1
    assert sorted(p.name for p in table.iterdir()) == [
        "06d293f8-81dd-446f-b052-bdad0ec99163.metadata.json",
        "whole.parquet",
    ]
