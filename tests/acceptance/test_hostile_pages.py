"""Pages that were written to run something, to reach something or to end a check: they are read, and that is all.

A folder, a variable of the environment and a port of this machine are the canaries: whatever a page's text comes to,
the folder stays as it is, the variable's value is told nowhere, and nobody connects to the port.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_playbook.check import Checker
from dagster_playbook.settings import load_settings
from dagster_playbook.workers.workers import POOL

Playbook = Callable[..., "subprocess.CompletedProcess[str]"]
SECRET = "the-value-of-the-canary"


def _grammar() -> ModuleType:
    place = Path(__file__).with_name("hostile_blocks.py")
    spec = importlib.util.spec_from_file_location("hostile_blocks", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GRAMMAR = _grammar()


@dataclass(frozen=True)
class Canaries:
    """What must stay as it is, and texts that would change it if anything ran them."""

    folder: Path
    server: socket.socket

    @property
    def python(self) -> str:
        port = self.server.getsockname()[1]
        make = f"open({str(self.folder / 'made')!r}, 'w').write('x')"
        reach = f"__import__('socket').create_connection(('127.0.0.1', {port}))"
        return f"{make}; {reach}; __import__('os').environ['PLAYBOOK_CANARY'] + ()"

    def fill(self, text: str) -> str:
        """The template with its blanks filled in; the code is hex, so that it stands in any quotes."""
        code = f"exec(bytes.fromhex('{self.python.encode().hex()}').decode())"
        made = self.folder / "made"
        blanks = {
            "evil": f"\"a' if {code} else 'b\"",
            "text": f"__import__('os').system('touch {made}')".replace("'", "''"),
            "python": self.python,
            "shell": f"touch {made}",
            "git": f"git:--output={made}",
            "hook": str(self.folder.with_name("hook.py")),
        }
        for name, value in blanks.items():
            text = text.replace("{" + name + "}", value).replace("{" + name + "!r}", repr(value))
        return text

    def were_touched(self) -> bool:
        """Whether anything was made in the folder, or somebody has connected."""
        try:
            self.server.accept()
        except BlockingIOError:
            return bool(list(self.folder.iterdir()))
        return True


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    folder = tmp_path_factory.mktemp("canary") / "folder"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        server.setblocking(False)
        patch.setenv("PLAYBOOK_CANARY", SECRET)
        made = Canaries(folder, server)
        (folder.with_name("hook.py")).write_text(made.python + "\n", encoding="utf-8")
        POOL.close()
        yield made
        POOL.close()


@pytest.fixture(scope="module")
def hostile(canaries: Canaries, sample_platform: Path, tmp_path_factory: pytest.TempPathFactory) -> Checker:
    """A checker on a project with SQLMesh and Dagster, whose processes have the variable in their environment."""
    root = Path(shutil.copytree(sample_platform, tmp_path_factory.mktemp("hostile") / "project"))
    made = Checker(load_settings(root), use_store=False)
    assert made.facts.models
    return made


def _sources(root: Path) -> dict[str, bytes]:
    kept = (path for path in root.rglob("*") if path.is_file() and ".playbook" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept if path.name != "hostile.md"}


def test_the_payload_would_do_what_the_canaries_see(canaries: Canaries) -> None:
    """Run as code, the text makes a file, connects and tells the variable: else the other tests would see nothing."""
    told = subprocess.run([sys.executable, "-c", canaries.python], capture_output=True, text=True, check=False)
    made = [path.name for path in canaries.folder.iterdir()]
    assert canaries.were_touched()
    (canaries.folder / "made").unlink()
    assert (made, "TypeError" in told.stderr) == (["made"], True)
    assert not canaries.were_touched()


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_whatever_a_page_says_nothing_is_touched(data: st.DataObject, canaries: Canaries, hostile: Checker) -> None:
    """The page is checked to its end, and folder, variable, port and project are as they were."""
    root = hostile.settings.root
    before = _sources(root)
    page = data.draw(GRAMMAR.pages(canaries.fill))
    (root / "docs" / "hostile.md").write_text(page, encoding="utf-8")
    hostile.forget_files()
    summary = hostile.check_page("docs/hostile.md")
    assert not canaries.were_touched()
    assert SECRET not in repr(summary)
    assert _sources(root) == before


CASES = {
    "a macro with code in a quoted name": (
        "```sql\nMODEL (\n  name oso.example_v0,\n  kind FULL\n);\n\n"
        "SELECT @IF({evil}, 1, 2) AS project_id\nFROM oso.projects_v1\n```\n"
    ),
    "a macro that computes for ever": (
        "```sql\nMODEL (name a.b, kind FULL);\nSELECT @EVAL(POWER(9, POWER(9, POWER(9, 9)))) AS x\n```\n"
    ),
    "a module that runs when it is imported": "```python\nfrom venv.__main__ import nothing\n```\n\nA `no_name`.\n",
    "an attribute that raises": "```python\nimport dlt\n\n@dlt.hub.transformation\ndef f(): ...\n```\n",
}


def test_a_project_without_settings_is_left_as_it_was(canaries: Canaries, playbook: Playbook, tmp_path: Path) -> None:
    """The command in an empty folder, as in anybody's CI: it ends with a verdict, and only its cache is new."""
    for number, text in enumerate(CASES.values()):
        (tmp_path / f"{number}.md").write_text("# A\n\n" + canaries.fill(text), encoding="utf-8")
    done = playbook("check", *(f"{number}.md" for number in range(len(CASES))), cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        1,
        "2.md:4:27: PY503 unknown-import: 'venv.__main__' has no name 'nothing'",
    )
    assert not canaries.were_touched()
    made = {path.name for path in tmp_path.iterdir()} - {f"{number}.md" for number in range(len(CASES))}
    assert made == {".playbook"}


def test_a_check_that_is_killed_leaves_no_process(canaries: Canaries, sample_platform: Path, tmp_path: Path) -> None:
    """Killed while a page's block is before its judges: they end with it, those in a sandbox too."""
    root = Path(shutil.copytree(sample_platform, tmp_path / "project"))
    pipe = root / "begun"
    os.mkfifo(pipe)
    definitions = root / "location" / "sample_location" / "definitions.py"
    begun = f"open({str(pipe)!r}, 'w').write('begun')\n"
    definitions.write_text(begun + definitions.read_text(encoding="utf-8") + "\n9**9**9**9\n", encoding="utf-8")
    (root / "docs" / "a.md").write_text("# A\n\n" + "\n".join(map(canaries.fill, CASES.values())), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("playbook")), "check", "docs/a.md"]
    check = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert pipe.read_text(encoding="utf-8") == "begun"
    children = psutil.Process(check.pid).children(recursive=True)
    check.kill()
    check.wait()
    assert children
    assert psutil.wait_procs(children, timeout=20)[1] == []
