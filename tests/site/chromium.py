"""The Chromium of the browser tests: the one that is there, else Playwright's own, else the system's package.

`make test` runs this file, which installs one where none is there. It always ends with 0: without a browser the
browser tests alone tell, by what is kept here, what each way gave.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: names a program, or says `none` when no browser is to be looked for or installed
VARIABLE = "PLAYBOOK_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHT = (sys.executable, "-m", "playwright", "install", "chromium")
#: prints where Playwright keeps its own; a program of its own, since two drivers do not go into one process
OWN = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
#: the lists first, which may be missing or old
APT_GET = (("apt-get", "update", "-qq"), ("apt-get", "install", "-y", "-qq", "chromium"))
#: what the last try to install one gave, beside the environment that it is for
TRIED = Path(sys.prefix) / "chromium.tried"
_START_TIMEOUT_S = 60.0
_INSTALL_TIMEOUT_S = 600.0


def find() -> tuple[str | None, str]:
    """The program to run; else None, and why nothing that is there will do."""
    named = os.environ.get(VARIABLE)
    if named == "none":
        return None, f"{VARIABLE}=none"
    faults = []
    for program in [named] if named else _programs():
        fault = _fault([program, "--version"], _START_TIMEOUT_S)
        if fault is None:
            return program, ""
        faults.append(f"{program} does not run ({fault})")
    return None, "; ".join(faults) or f"none of {', '.join(NAMES)} on PATH, and none of Playwright's own"


def _programs() -> Iterator[str]:
    """Those on PATH, then the one that Playwright has installed for itself."""
    yield from filter(None, map(shutil.which, NAMES))
    asked = subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True, check=False)
    if Path(own := asked.stdout.strip()).is_file():
        yield own


def provide() -> tuple[str | None, list[str]]:
    """The program to run, installed when none is there; else None, and what each way gave, one line each."""
    program, missing = find()
    if program or os.environ.get(VARIABLE):
        return program, [missing]
    tried = [f"there: {missing}"]
    for way, install in (("playwright install chromium", _by_playwright), ("apt-get install chromium", _by_apt_get)):
        fault = install()
        if fault is None:
            program, missing = find()
            if program:
                return program, tried
            fault = f"ended without an error, and still {missing}"
        tried.append(f"{way}: {fault}")
    return None, tried


def _by_playwright() -> str | None:
    return _fault(PLAYWRIGHT, _INSTALL_TIMEOUT_S)


def _by_apt_get() -> str | None:
    if not shutil.which("apt-get"):
        return "there is no apt-get"
    if os.geteuid() != 0:
        return "needs root; run it with sudo"
    faults = [_fault(command, _INSTALL_TIMEOUT_S) for command in APT_GET]
    # Lists that could not be brought up to date may still name the package.
    return faults[-1]


def _fault(command: list[str] | tuple[str, ...], timeout_s: float) -> str | None:
    """Why the command did not end with 0: its first line of error, else its last line; None when it did."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {timeout_s:.0f} s"
    except OSError as error:
        return str(error.strerror)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "e:"))]
    return [*errors, *reversed(lines), f"exit code {done.returncode}"][0]


def why_none(missing: str) -> str:
    """What a test without a browser says: what is missing, and what `make test` tried when it ran."""
    if TRIED.is_file() and not os.environ.get(VARIABLE):
        return "no browser; " + "; ".join(TRIED.read_text(encoding="utf-8").splitlines())
    return f"no browser: {missing}" + ("" if os.environ.get(VARIABLE) else " (`make test` tries to install one)")


def main() -> None:
    """Say which browser the tests will have, or what each way to one gave."""
    program, tried = provide()
    if program:
        TRIED.unlink(missing_ok=True)
        print(f"browser: {program}")  # noqa: T201 - the output of a program
        return
    TRIED.write_text("\n".join(tried) + "\n", encoding="utf-8")
    cure = f"cure: name a browser in {VARIABLE}, or `none` to have none looked for"
    print("browser: none, so the browser tests cannot run", *tried, cure, sep="\n  ", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
