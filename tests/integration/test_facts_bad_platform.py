"""A platform that cannot be read is one clear error with file, line, cause and cure: never a traceback or a pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import CodeLocation, Settings, SqlmeshProject, load_settings

SAMPLE = Path(__file__).parents[1] / "data" / "platform" / "sample"
Break = Callable[[Path], None]


@pytest.fixture
def sample(tmp_path: Path) -> Settings:
    """A sample platform that a test may break; its command trees are left out, for they are not what breaks."""
    root = tmp_path / "sample"
    shutil.copytree(SAMPLE, root)
    return replace(load_settings(root.resolve()), commands=())


def _write(path: str, text: str) -> Break:
    def change(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")

    return change


def _replace(path: str, old: str, new: str) -> Break:
    def change(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


CUSTOMERS = "transform/models/customers.sql"
DEFINITIONS = "location/sample_location/definitions.py"
SQLMESH_CASES = [
    pytest.param(_replace(CUSTOMERS, "FROM shop.stg_orders", "FROM"), f"{CUSTOMERS}:13", "Expected table", id="query"),
    pytest.param(_replace(CUSTOMERS, "kind FULL", "kind FUL"), CUSTOMERS, "valid model kind", id="kind"),
    pytest.param(_replace(CUSTOMERS, "kind FULL", "knd FULL"), CUSTOMERS, "knd", id="property"),
    pytest.param(_replace(CUSTOMERS, "shop.customers", "shop.stg_orders"), "", "Duplicate", id="name twice"),
    pytest.param(_replace("transform/models/stg_orders.sql", "seed_orders", "customers"), "", "ycle", id="cycle"),
    pytest.param(
        _write("transform/models/broken.py", "from sqlmesh import model\n\n@model(\n"),
        "transform/models/broken.py:3", "never closed", id="python syntax",
    ),
    pytest.param(
        _write("transform/models/broken.py", "import sqlmesh\n\nraise RuntimeError('no luck')\n"),
        "transform/models/broken.py:3", "no luck", id="python import",
    ),
    pytest.param(
        _write("transform/config.yaml", "gateways:\n\tx: 1\n"),
        "transform/config.yaml:2", "cannot start any token", id="yaml",
    ),
    pytest.param(
        _replace("transform/config.yaml", "dialect: duckdb", "dialect: nosuch"), "transform", "nosuch", id="dialect"
    ),
    pytest.param(
        _replace("transform/config.yaml", "type: duckdb", "type: duckd"),
        "transform/config.yaml", "duckd", id="connection",
    ),
    pytest.param(_replace(CUSTOMERS, "MODEL (", "MODEL ( \x00"), CUSTOMERS, "", id="control character"),
    pytest.param(lambda root: (root / CUSTOMERS).write_bytes(b"MODEL (\xff)"), CUSTOMERS, "UTF-8", id="not UTF-8"),
    pytest.param(lambda root: shutil.rmtree(root / "transform"), "transform", "no SQLMesh project", id="no folder"),
    pytest.param(lambda root: (root / "transform/config.yaml").unlink(), "transform", "config.yaml", id="no config"),
    pytest.param(lambda root: (root / "transform/seeds/orders.csv").unlink(), "", "orders.csv", id="no seed"),
]  # fmt: skip
DAGSTER_CASES = [
    pytest.param(
        _replace(DEFINITIONS, "import dagster as dg", "import dagsterr as dg"),
        f"{DEFINITIONS}:3",
        "dagsterr",
        id="import",
    ),
    pytest.param(_replace(DEFINITIONS, "publish()", "publish("), DEFINITIONS, "never closed", id="syntax"),
    pytest.param(
        _replace(DEFINITIONS, "defs = ", "1 / 0\ndefs = "), f"{DEFINITIONS}:65", "division by zero", id="raises"
    ),
    pytest.param(_write(DEFINITIONS, "x = 1\n"), DEFINITIONS, "No Definitions", id="nothing defined"),
    pytest.param(
        _write(DEFINITIONS, "import dagster as dg\n\ndefs = dg.Definitions()\n"), DEFINITIONS, "no job", id="no job"
    ),
    pytest.param(_replace(DEFINITIONS, '"warehouse": Warehouse()', ""), DEFINITIONS, "warehouse", id="no resource"),
    pytest.param(_write(DEFINITIONS, "import os\n\nos._exit(3)\n"), "", "ended", id="ends the process"),
    pytest.param(_write(DEFINITIONS, "import sys\n\nsys.exit('bye')\n"), "", "bye", id="exits"),
    pytest.param(lambda root: shutil.rmtree(root / "location"), "location", "sample_location", id="no folder"),
    pytest.param(
        _write("dagster.yaml", "run_retries:\n  max_retries: many\n"), "dagster.yaml:2", "Invalid scalar", id="type"
    ),
    pytest.param(
        _write("dagster.yaml", "run_retries:\n\tx: 1\n"), "dagster.yaml:2", "cannot start any token", id="tab"
    ),
    pytest.param(lambda root: (root / "dagster.yaml").unlink(), "dagster.yaml", "cannot be read", id="no instance"),
]


def _refused(settings: Settings, place: str, words: str) -> None:
    with pytest.raises(PlatformError) as caught:
        load_facts(settings, use_cache=False)
    error = caught.value
    assert words in error.message
    assert f"{error.path}:{error.line}".startswith(place), error
    assert error.cure
    assert "\n" not in error.message
    assert str(settings.root) not in str(error)


@pytest.mark.parametrize(("change", "place", "words"), SQLMESH_CASES)
def test_a_broken_sqlmesh_project_is_one_error(sample: Settings, change: Break, place: str, words: str) -> None:
    """SQLMesh's own reason, at the file and line that it is about."""
    change(sample.root)
    _refused(replace(sample, dagster=()), place, words)


@pytest.mark.parametrize(("change", "place", "words"), DAGSTER_CASES)
def test_a_broken_code_location_is_one_error(sample: Settings, change: Break, place: str, words: str) -> None:
    """Dagster's own reason, at the file and line that it is about."""
    change(sample.root)
    _refused(replace(sample, sqlmesh=()), place, words)


def test_the_settings_may_name_what_is_not_there(sample: Settings) -> None:
    """A module and a folder that do not exist are errors, not empty facts."""
    _refused(replace(sample, dagster=(), sqlmesh=(SqlmeshProject("nowhere"),)), "nowhere", "no SQLMesh project")
    _refused(replace(sample, sqlmesh=(), dagster=(CodeLocation("nowhere.definitions"),)), "", "nowhere")


def test_a_gateway_that_is_not_there_is_an_error(sample: Settings) -> None:
    """The settings' gateway is checked by SQLMesh."""
    _refused(replace(sample, dagster=(), sqlmesh=(SqlmeshProject("transform", "nosuch"),)), "transform", "nosuch")


def test_an_error_is_gone_when_its_cause_is(sample: Settings) -> None:
    """Neither a worker nor a cache remembers that the project was broken."""
    only = replace(sample, dagster=())
    whole = (sample.root / CUSTOMERS).read_text(encoding="utf-8")
    _replace(CUSTOMERS, "kind FULL", "kind FUL")(sample.root)
    with pytest.raises(PlatformError):
        load_facts(only)
    (sample.root / CUSTOMERS).write_text(whole, encoding="utf-8")
    assert load_facts(only).models["shop.customers"].kind == "FULL"
