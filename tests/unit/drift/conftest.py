"""A small project without SQLMesh and Dagster: what plain files say is platform enough for most of drift."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.settings import Settings, load_settings

_SETTINGS = """
[tool.playbook]
strict = true
pages = ["docs"]
commands = []
catalogs = "catalogs"
references = "references.json"
"""
_PAGE = """# Catalogs

There are <!-- fact: trino.catalogs.count -->two<!-- /fact --> catalogs: `lake` writes, `lake_released` reads the
reference `released`. See [below](#promote) and the [other page](other.md).

```properties title="catalogs/lake_released.properties"
connector.name=iceberg
iceberg.rest-catalog.uri=http://127.0.0.1/iceberg/released
```

## Promote

Run this:

```sh
make promote
```

## Verify

```sh
make verify
```
"""


@pytest.fixture
def small_project(tmp_path: Path) -> Settings:
    """The settings of the small project."""
    root = tmp_path / "small"
    for name, text in {
        "pyproject.toml": _SETTINGS,
        "Makefile": ".PHONY: promote verify\npromote:\n\t@true\nverify:\n\t@true\n",
        "references.json": '{"main": "BRANCH", "released": "TAG"}\n',
        "catalogs/lake.properties": "connector.name=iceberg\niceberg.rest-catalog.uri=http://127.0.0.1/iceberg/main\n",
        "catalogs/lake_released.properties": (
            "connector.name=iceberg\niceberg.rest-catalog.uri=http://127.0.0.1/iceberg/released\n"
        ),
        "docs/catalogs.md": _PAGE,
        "docs/other.md": "# Other\n\nNothing but the [catalogs](catalogs.md#verify).\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return load_settings(root)
