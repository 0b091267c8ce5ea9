from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_playbook.claims.runbook import parse
from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.markdown.reader import read_page

HEAD = """---
title: A runbook
runbook:
  owner: data engineer
  risk: low
{parameters}---

"""


@pytest.fixture
def runbook_of(tmp_path: Path) -> Callable[..., Runbook]:
    """A runbook from its steps and the YAML of its parameters."""

    def make(body: str, parameters: str = "") -> Runbook:
        head = HEAD.format(parameters=f"  parameters:\n{parameters}" if parameters else "")
        (tmp_path / "page.md").write_text(head + body, encoding="utf-8")
        return parse(read_page(tmp_path, "page.md"))

    return make
