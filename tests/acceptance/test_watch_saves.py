"""`playbook watch` as a process: a save is answered, and so is a change of the platform."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_DEADLINE_S = 60


class Watched:
    """A running watch; `next` waits for the next check that it tells."""

    def __init__(self, root: Path, *arguments: str) -> None:
        command = [str(Path(sys.executable).with_name("playbook")), "watch", "--format", "json", *arguments]
        self.process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines: queue.Queue[tuple[str, str]] = queue.Queue()
        for name in ("stdout", "stderr"):
            threading.Thread(target=self._read, args=(name,), daemon=True).start()

    def _read(self, name: str) -> None:
        for line in getattr(self.process, name):
            self._lines.put((name, line))

    def told(self, text: str) -> None:
        """Wait for a line on stderr."""
        while True:
            name, line = self._lines.get(timeout=_DEADLINE_S)
            if name == "stderr" and text in line:
                return

    def check_of(self, *paths: str) -> dict[str, Any]:
        """Wait for the check after a change of these paths."""
        while True:
            name, line = self._lines.get(timeout=_DEADLINE_S)
            if name == "stdout":
                document: dict[str, Any] = json.loads(line)
                if set(paths) <= set(document["changed"]):
                    return document


@pytest.fixture
def watched(small_project: Path) -> Iterator[Watched]:
    watch = Watched(small_project)
    try:
        watch.told("watching")
        yield watch
    finally:
        watch.process.send_signal(signal.SIGINT)
        watch.process.wait(timeout=_DEADLINE_S)


def test_a_save_is_checked(watched: Watched, small_project: Path) -> None:
    """Saving a page gives a new check of what stands there now, and of nothing that did not change."""
    page = small_project / "docs" / "broken.md"
    page.write_text(page.read_text().replace("laek", "lake"))
    told = watched.check_of("docs/broken.md")
    assert [finding["rule"] for finding in told["findings"]] == ["SH607"]


def test_the_platform_is_read_anew(watched: Watched, small_project: Path) -> None:
    """A change of the platform is noticed, and the pages are held to the new one."""
    makefile = small_project / "Makefile"
    makefile.write_text(makefile.read_text().replace("test:", "tset:"))
    told = watched.check_of("Makefile")
    assert [finding["rule"] for finding in told["findings"]] == ["SV301"]


def test_a_broken_project_is_waited_out(watched: Watched, small_project: Path) -> None:
    """Settings that cannot be read are told, and the watch goes on when they can be again."""
    settings = small_project / "pyproject.toml"
    good = settings.read_text()
    settings.write_text("[tool.playbook\n")
    watched.told("cannot be read as TOML")
    settings.write_text(good)
    assert watched.check_of("pyproject.toml")["summary"]["findings"] == 2


def test_ctrl_c_ends_it(small_project: Path) -> None:
    """Ctrl-C ends the watch without a traceback."""
    watch = Watched(small_project)
    watch.told("watching")
    watch.process.send_signal(signal.SIGINT)
    watch.process.wait(timeout=_DEADLINE_S)
    assert watch.process.returncode == 0
