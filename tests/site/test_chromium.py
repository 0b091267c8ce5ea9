"""How the browser tests come to a browser, on machines of our own making."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import chromium
import pytest

RUNS = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own without any browser, and a Playwright whose download fails; root is asked for nothing."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(chromium, "OWN", f"print({str(tmp_path / 'own')!r})")
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setattr(chromium, "TRIED", tmp_path / "tried")
    monkeypatch.setattr(chromium, "PLAYWRIGHT", (str(program(path, "download", fails("Error: no such host"))),))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return path


def program(path: Path, name: str, text: str) -> Path:
    """A program of that name."""
    (path / name).write_text(text)
    (path / name).chmod(0o755)
    return path / name


def fails(line: str) -> str:
    """A program that says a line among others and fails."""
    return f"#!/bin/sh\necho fetching\necho '{line}'\necho '    at x.js:1'\nexit 1\n"


def installs(path: Path, name: str) -> str:
    """A program that puts a browser of that name on PATH when it is asked to install."""
    return f"#!/bin/sh\n[ $1 = update ] || {{ echo '#!/bin/sh' > {path / name}; /bin/chmod +x {path / name}; }}\n"


@pytest.mark.parametrize("name", chromium.NAMES)
def test_the_one_that_is_there_is_taken(machine: Path, name: str) -> None:
    """A browser on PATH is used, and nothing is installed."""
    there = program(machine, name, RUNS)
    program(machine, "apt-get", fails("E: must not be asked"))
    assert chromium.provide() == (str(there), [""])


def test_one_that_does_not_run_is_passed_over(machine: Path) -> None:
    """A stub that only says how to install a browser is none; the next name is tried."""
    program(machine, "chromium", fails("requires the chromium snap"))
    there = program(machine, "google-chrome", RUNS)
    assert chromium.find() == (str(there), "")


def test_the_one_that_playwright_has_installed_is_found(machine: Path) -> None:
    """A browser that Playwright keeps in its own folder counts, though it is not on PATH."""
    own = program(machine.parent, "own", RUNS)
    assert chromium.find() == (str(own), "")


def test_playwright_itself_tells_where_it_keeps_its_browser() -> None:
    """The question for that place is one that the installed Playwright answers."""
    asked = subprocess.run([sys.executable, "-c", chromium.OWN], capture_output=True, text=True, check=True)
    assert Path(asked.stdout.strip()).is_absolute()


def test_the_named_one_is_the_only_one(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is named and does not run is told, and no other is taken or installed."""
    program(machine, "chromium", RUNS)
    named = program(machine, "mine", fails("error: broken"))
    monkeypatch.setenv(chromium.VARIABLE, str(named))
    assert chromium.provide() == (None, [f"{named} does not run (error: broken)"])


def test_playwrights_own_comes_before_the_systems(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is there and Playwright's download works, the system's package is not asked for."""
    download = program(machine, "download", installs(machine, "chromium"))
    monkeypatch.setattr(chromium, "PLAYWRIGHT", (str(download),))
    program(machine, "apt-get", fails("E: must not be asked"))
    assert chromium.provide()[0] == str(machine / "chromium")


def test_the_systems_package_comes_last(machine: Path) -> None:
    """Where Playwright's download fails, root installs the system's package, and what failed before is told."""
    program(machine, "apt-get", installs(machine, "chromium"))
    found, tried = chromium.provide()
    assert found == str(machine / "chromium")
    assert tried[1:] == ["playwright install chromium: Error: no such host"]


@pytest.mark.parametrize(
    ("apt_get", "user", "told"),
    [
        ("", 0, "there is no apt-get"),
        (RUNS, 1000, "needs root; run it with sudo"),
        (fails("E: Unable to locate package chromium"), 0, "E: Unable to locate package chromium"),
        (RUNS, 0, "none of chromium, chromium-browser, google-chrome, google-chrome-stable on PATH"),
    ],
)
def test_what_each_way_gave_is_told(
    machine: Path, monkeypatch: pytest.MonkeyPatch, apt_get: str, user: int, told: str
) -> None:
    """Without a browser each way has its line: none there, no download, and why the system's package is none."""
    if apt_get:
        program(machine, "apt-get", apt_get)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    found, tried = chromium.provide()
    assert found is None
    assert [line.split(": ")[0] for line in tried] == [
        "there",
        "playwright install chromium",
        "apt-get install chromium",
    ]
    assert told in tried[2]


def test_a_test_without_a_browser_says_what_was_tried(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `make test` tried is printed there, and is the reason of the browser tests too."""
    chromium.main()
    printed, reason = capsys.readouterr().err, chromium.why_none("")
    for line in ("playwright install chromium: Error: no such host", "apt-get install chromium: there is no apt-get"):
        assert line in printed
        assert line in reason


def test_a_test_that_nothing_was_tried_for_names_the_command(machine: Path) -> None:
    """Run without `make test`, a browser test says which command would try to install one."""
    reason = chromium.why_none(chromium.find()[1])
    assert reason.startswith("no browser: none of chromium,")
    assert reason.endswith("(`make test` tries to install one)")


def test_a_browser_makes_what_was_tried_before_void(machine: Path) -> None:
    """Once a browser is there, the record of the tries that failed is gone."""
    chromium.main()
    assert chromium.TRIED.is_file()
    program(machine, "chromium", RUNS)
    chromium.main()
    assert not chromium.TRIED.exists()
