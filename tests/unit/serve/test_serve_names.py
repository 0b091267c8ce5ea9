"""The parts that a server adds to a page of the site have names of their own."""

from __future__ import annotations

import re
from pathlib import Path

import dagster_playbook

SERVE = Path(dagster_playbook.__file__).parent / "serve"


def test_no_part_has_a_name_of_the_site_s_own_scripts() -> None:
    """Both stand on one page: a script of the site that found a live form would fill it and keep it from being sent."""
    parts = [*SERVE.glob("templates/*"), *SERVE.glob("static/*")]
    assert len(parts) > 10
    assert [part.name for part in parts if re.search(r"\bpb-", part.read_text(encoding="utf-8"))] == []
