"""`playbook check` on a terminal: what a person sees there and a pipe does not."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest


def on_terminal(*arguments: str, cwd: Path, **environment: str) -> str:
    """What the command writes to a terminal."""
    master, slave = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    command = [str(Path(sys.executable).with_name("playbook")), *arguments]
    process = subprocess.Popen(
        command, cwd=cwd, env={**inherited, "TERM": "xterm", **environment}, stdout=slave, stderr=slave, stdin=slave
    )
    os.close(slave)
    written = b""
    try:
        while piece := os.read(master, 65536):
            written += piece
    except OSError:  # Linux tells the end of a terminal as an I/O error
        pass
    finally:
        os.close(master)
        process.wait(timeout=60)
    return written.decode("utf-8").replace("\r\n", "\n")


def test_source_and_caret(small_project: Path) -> None:
    """On a terminal the source line stands below a finding, with carets below the words."""
    lines = on_terminal("check", "docs/broken.md", cwd=small_project, NO_COLOR="1").splitlines()
    source = next(line for line in lines if "Nobody reads" in line)
    caret = lines[lines.index(source) + 1]
    assert [source[i] for i, mark in enumerate(caret) if mark == "^"] == list("laek")


@pytest.mark.parametrize(("environment", "has_colour"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour(small_project: Path, environment: dict[str, str], has_colour: bool) -> None:
    """A terminal gets colours, unless NO_COLOR is set."""
    assert ("\x1b[31" in on_terminal("check", "-q", cwd=small_project, **environment)) is has_colour


def test_rule_page_is_rendered(small_project: Path) -> None:
    """A rule's page is rendered on a terminal: its emphasis marks are gone."""
    shown = on_terminal("explain", "DG101", cwd=small_project)
    assert "Why it matters." in shown and "**Why" not in shown
