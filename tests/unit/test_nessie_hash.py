"""What Nessie takes for a hash."""

from __future__ import annotations

import pytest

from dagster_playbook.nessie_hash import is_hash


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("12e175915a6345be", True),
        ("ABCDEF01", True),
        ("1" * 64, True),
        ("1" * 66, False),
        ("1" * 9, False),
        ("1" * 6, False),
        ("latest", False),
        ("12e17591\n", False),
        ("", False),
    ],
)
def test_what_could_be_a_hash(text: str, verdict: bool) -> None:
    """Whole bytes in hexadecimal digits of either case, four of them at least and 32 at most."""
    assert is_hash(text) is verdict
