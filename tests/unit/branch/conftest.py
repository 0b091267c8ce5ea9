"""What the tests of branches share."""

from __future__ import annotations

from pathlib import Path

import pytest
from numbered_platform import numbered

from dagster_playbook.branch.branches import Branches


@pytest.fixture
def branches(tmp_path: Path) -> Branches:
    """A platform whose tables hold 0."""
    return numbered(tmp_path)
