"""Marked blocks are run in a copy that is thrown away, and nothing that they do reaches further."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dagster_playbook.cli import group
from dagster_playbook.isolation import landlock
from dagster_playbook.isolation.confined import in_force
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.sessions.blocks import sessions_of

PAGE = """# Page

<!-- playbook: record -->
```console
$ playbook --version
playbook, version 0
$ playbook approve --try-out
...
```

> <!-- playbook: record exit=2 -->
> ```console
> $ playbook explain NOPE
> error: no rule is called 'NOPE'
>   cure: ...
> ```
"""
SETTINGS = '[tool.playbook]\npages = ["page.md"]\ncommands = ["playbook"]\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one page, whose facts are read once."""
    root = tmp_path_factory.mktemp("recorded")
    (root / "pyproject.toml").write_text(SETTINGS)
    return root


def record(root: Path, text: str, *arguments: str) -> Result:
    (root / "page.md").write_text(text)
    return CliRunner().invoke(group, ["record", "-q", "--project", str(root), *arguments])


def test_what_differs_is_told_and_written(project: Path) -> None:
    """The wrong line alone is told, the update writes what was printed, and then nothing differs."""
    told = record(project, PAGE, "--format", "json")
    assert (told.exit_code, [item["line"] for item in json.loads(told.stdout)["differences"]]) == (1, [6])
    before = set(project.iterdir())
    assert record(project, PAGE, "--update").exit_code == 0
    written = (project / "page.md").read_text()
    assert written == PAGE.replace("version 0\n", "version 0.1.0\n")
    # what `approve --try-out` makes was made in the copy
    assert set(project.iterdir()) == before


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("$ rm -rf x", "'rm' is none of the project's programs"),
        ("$ playbook --version | cat", "needs a shell"),
        ("$ playbook --version > x", "needs a shell"),
        ("$ playbook explain $X", "would need a shell"),
        ("$ playbook explain <RULE>", "would need a shell or a person"),
        ("$ playbook explain NOPE", "ends with 2, not 0"),
    ],
)
def test_what_is_no_plain_command_is_not_run(project: Path, block: str, told: str) -> None:
    """Only programs that the settings name are run, by themselves, and a failure that nobody announced is told."""
    result = record(project, f"<!-- playbook: record -->\n```console\n{block}\n```\n")
    assert (result.exit_code, told in result.stdout) == (1, True), result.stdout


def test_a_page_without_marks_runs_nothing(project: Path) -> None:
    """A console block that nobody has marked is left alone."""
    result = record(project, "```console\n$ playbook --version\nno\n```\n")
    assert (result.exit_code, result.stdout) == (0, "0 pages, 0 commands run: 0 differences\n")


def test_a_mark_before_no_block_is_told(project: Path) -> None:
    """A mark that marks nothing would look like a recorded page."""
    result = record(project, "<!-- playbook: record -->\nWords.\n")
    assert (result.exit_code, "no console block follows" in result.stdout) == (1, True)


@pytest.mark.parametrize("words", ["exit=x", 'after=""', "after=a", "often"])
def test_a_mark_that_is_not_understood_is_a_problem(words: str) -> None:
    """What a mark says beyond its two options is told by the check."""
    text = f"<!-- playbook: record {words} -->\n```console\n$ ls\n```\n"
    page = read_page(Path("/nowhere"), "page.md", text=text)
    assert ([problem.rule for problem in page.problems], page.recordings) == (["PB011"], [])


def test_commands_are_split_with_their_outputs() -> None:
    """Each command has the lines below it, with their places in the block."""
    text = "<!-- playbook: record -->\n```console\n$ a b \\\n    'c d'\none\n\ntwo\n$ a e\n```\n"
    (session,) = sessions_of(read_page(Path("/nowhere"), "page.md", text=text), {"a": ()})
    told = [(item.words, item.first, item.output) for item in session.commands]
    assert told == [(("a", "b", "c d"), 3, ("one", "", "two")), (("a", "e"), 7, ())]


CONFINED = """
import socket, sys
from pathlib import Path
told = []
for place in sys.argv[1:3]:
    try:
        Path(place, 'file').write_text('x'); told.append('written')
    except PermissionError:
        told.append('refused')
server = socket.create_server(('127.0.0.1', 0))
socket.create_connection(server.getsockname(), timeout=5)
told.append('loopback')
try:
    socket.create_connection(('192.0.2.1', 9), timeout=5)
except OSError as error:
    told.append(type(error).__name__ if error.errno is None else str(error.errno))
print(told)
"""


@pytest.mark.skipif(len(in_force()) < 2, reason=f"this machine holds {in_force()} alone; Landlock {landlock.version()}")
def test_a_confined_program_writes_below_its_folder_and_reaches_loopback_alone(tmp_path: Path) -> None:
    """Writing elsewhere is refused by the kernel, and there is no network but loopback."""
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir(), other.mkdir()
    command = [sys.executable, "-m", "dagster_playbook.isolation.confined", str(own), sys.executable, "-c", CONFINED]
    done = subprocess.run([*command, str(own), str(other)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['written', 'refused', 'loopback', '101']"
    assert not list(other.iterdir())
