"""A project of the reference shape, small enough to be written into."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagster_playbook.scaffold.layout import Layout, layout_of
from dagster_playbook.settings import load_settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """The base project of the rules' cases with the registers that new sources are entered in."""
    root = tmp_path / "project"
    shutil.copytree(ROOT / "tests" / "data" / "scaffold" / "lint" / "base", root)
    package = root / "warehouse" / "oso_dagster"
    (package / "source_assets.py").write_text(
        "from .sources import shop__orders\n\nTABLES: tuple[object, ...] = (*shop__orders.TABLES,)\n", encoding="utf-8"
    )
    macros = root / "warehouse" / "oso_sqlmesh" / "macros"
    macros.mkdir()
    (macros / "sources.py").write_text(
        'RAW_TABLES = (\n    "shop.orders",\n)\n\n\ndef oso_source(): ...\n', encoding="utf-8"
    )
    return layout_of(load_settings(root))
