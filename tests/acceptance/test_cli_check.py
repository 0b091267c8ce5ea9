"""`playbook check` as it is installed, on a small project of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Playbook = Callable[..., "subprocess.CompletedProcess[str]"]


def test_findings_in_text(small_project: Path, playbook: Playbook) -> None:
    """Findings stand on stdout with place, rule, message and evidence; the counts come last; the exit code is 1."""
    done = playbook("check", cwd=small_project)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("docs/broken.md:3:27: SV301 unknown-catalog: no catalog is called 'laek'; did you mean")
    assert lines[-1] == "2 files, 2 fences, 2 spans: 4 checked, 0 exempt, 2 findings"
    assert (done.returncode, done.stderr) == (1, "")


def test_clean_page(small_project: Path, playbook: Playbook) -> None:
    """A clean page gives the counts and exit code 0."""
    done = playbook("check", "docs/index.md", cwd=small_project)
    assert (done.returncode, done.stdout) == (0, "1 files, 1 fences, 1 spans: 2 checked, 0 exempt, 0 findings\n")


def test_extensions_that_are_left_out_are_one_note(small_project: Path, playbook: Playbook) -> None:
    """A site's extensions that no page is read with are told once, and fail nothing."""
    (small_project / "mkdocs.yml").write_text("site_name: x\nmarkdown_extensions: [admonition, mdx_truly_sane_lists]\n")
    done = playbook("check", "docs/index.md", "docs/broken.md", cwd=small_project)
    assert done.stderr == (
        "note: mkdocs.yml names extensions that are not known here; pages are read without: mdx_truly_sane_lists\n"
    )
    quiet = playbook("check", "-q", "docs/index.md", cwd=small_project)
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_json(small_project: Path, playbook: Playbook) -> None:
    """The JSON document is all that stands on stdout, with the documented keys, kept verdicts or not."""
    for _ in ("cold", "warm"):
        done = playbook("check", "--format", "json", cwd=small_project)
        told = json.loads(done.stdout)
        assert list(told) == ["summary", "findings", "doubts", "platform"]
        assert list(told["summary"]) == [
            "files",
            "fences",
            "spans",
            "checked",
            "exempt",
            "findings",
            "doubts",
            "unjudged",
        ]
        assert list(told["findings"][0]) == (
            "path line column end_line end_column rule name severity message subject evidence fix cause".split()
        )
        assert told["platform"]["fingerprint"] and told["platform"]["versions"]["sqlmesh"]
        assert done.returncode == 1


def test_warnings_do_not_fail(small_project: Path, playbook: Playbook) -> None:
    """Warnings alone are told and the exit code is 0."""
    settings = small_project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("strict = true", "strict = false"))
    (small_project / "docs" / "index.md").write_text("Read the `frobnicator`.\n")
    done = playbook("check", "--doubts", "docs/index.md", cwd=small_project)
    assert "warning:" in done.stdout and done.returncode == 0


def test_doubts_are_one_line_with_a_number(small_project: Path, playbook: Playbook) -> None:
    """Without strict, what is merely not known is counted by its cause; asked for, it is listed and settled."""
    settings = small_project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("strict = true", "strict = false"))
    (small_project / "docs" / "index.md").write_text("Read the `frobnicator`, or `frob --nicate`.\n\n```\n?\n```\n")
    counted = playbook("check", "docs/index.md", cwd=small_project).stdout
    assert re.findall(r"^\d+ doubts are not listed .*$", counted, re.MULTILINE) and "PB0" not in counted
    listed = playbook("check", "--doubts", "docs/index.md", cwd=small_project).stdout
    assert "PB006" in listed and "PB001" in listed and "settled by: " in listed
    told = json.loads(playbook("check", "--format", "json", "docs/index.md", cwd=small_project).stdout)
    assert sum(group["count"] for group in told["doubts"]) == told["summary"]["doubts"] == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["docs/none.md"], "no such file or folder: docs/none.md"),
        (["--project", "nowhere"], "no project folder"),
        (["--changed=no-such-revision"], "git"),
    ],
)
def test_could_not_look(small_project: Path, playbook: Playbook, arguments: list[str], told: str) -> None:
    """What keeps us from looking is one error with its cause on stderr, nothing on stdout, and exit code 2."""
    done = playbook("check", *arguments, cwd=small_project)
    assert told in done.stderr and done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


def test_project_from_elsewhere(small_project: Path, playbook: Playbook, tmp_path: Path) -> None:
    """With --project the check runs from any folder, and paths are the project's."""
    done = playbook("check", "docs/broken.md", "--project", str(small_project), cwd=tmp_path)
    assert done.stdout.startswith("docs/broken.md:3:27:") and done.returncode == 1


def test_nothing_is_kept(small_project: Path, playbook: Playbook) -> None:
    """With --no-cache nothing is written into the project."""
    done = playbook("check", "--no-cache", cwd=small_project)
    assert done.returncode == 1 and not (small_project / ".playbook").exists()


def test_no_colour_without_a_terminal(small_project: Path, playbook: Playbook) -> None:
    """Piped output has no colour codes, even when the environment asks for colour."""
    assert "\x1b" not in playbook("check", cwd=small_project, FORCE_COLOR="1").stdout


def test_quiet_clean_check_is_silent(small_project: Path, playbook: Playbook) -> None:
    """With --quiet a clean check says nothing."""
    done = playbook("check", "--quiet", "docs/index.md", cwd=small_project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("form", ["sarif", "junit", "github"])
def test_other_formats(small_project: Path, playbook: Playbook, form: str) -> None:
    """Each other format tells both findings and fails the check as text does."""
    done = playbook("check", "--format", form, cwd=small_project)
    assert done.stdout.count("SV301") and done.stdout.count("SH607") and done.returncode == 1


def test_warm_check_is_light(small_project: Path, playbook: Playbook) -> None:
    """A check with nothing changed imports none of the heavy packages."""
    (small_project / "docs" / "broken.md").unlink()
    (small_project / "docs" / "index.md").write_text("Read the catalog `lake`.\n")
    assert playbook("check", cwd=small_project).returncode == 0
    heavy = "dagster sqlmesh sqlglot rich pydantic jsonschema ruamel httpx pandas duckdb yaml dagster_playbook.rules"
    code = (
        "import sys, dagster_playbook.cli as cli\n"
        "try: cli.main(['check'])\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {heavy.split()!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=small_project, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_nothing_to_hold_names_to(tmp_path: Path, playbook: Playbook) -> None:
    """Where neither a SQLMesh project nor a code location is found, a line on stderr says so and how to name them."""
    (tmp_path / "README.md").write_text("# Hello\n")
    done = playbook("check", cwd=tmp_path)
    assert done.returncode == 0 and "[[tool.playbook.dagster]]" in done.stderr
    assert playbook("check", "--quiet", cwd=tmp_path).stderr == ""


def test_ctrl_c_is_no_verdict(small_project: Path) -> None:
    """A check that was interrupted ends with 130, which is neither clean nor findings, and without a traceback."""
    code = (
        "import dagster_playbook.settings as settings, dagster_playbook.cli as cli\n"
        "def find_root(start): raise KeyboardInterrupt\n"
        "settings.find_root = find_root\n"
        "cli.main(['check'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=small_project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped\n")


def test_parsers_do_not_talk_to_people(small_project: Path, playbook: Playbook) -> None:
    """What the SQL parser has to say of a statement that it keeps as text does not reach stderr."""
    (small_project / "docs" / "index.md").write_text("```sql\nSHOW CATALOGS;\nUSE lake.shop;\nCREATE TAG x\n```\n")
    done = playbook("check", "docs/index.md", cwd=small_project)
    assert "nothing here can read the statement 'CREATE TAG'" in done.stdout
    assert done.stderr == ""


def test_page_without_anything_is_no_silent_pass(small_project: Path, playbook: Playbook) -> None:
    """A page that holds nothing to check ends with 0 and says so."""
    (small_project / "docs" / "index.md").write_text("# Nothing\n")
    done = playbook("check", "docs/index.md", cwd=small_project)
    assert (done.returncode, done.stderr) == (
        0, "note: nothing to check in docs/index.md: no code block, no code span and no bound sentence\n",
    )  # fmt: skip


def test_config_on_stdin(small_project: Path, playbook: Playbook) -> None:
    """An empty stdin is no pass."""
    done = playbook("check", "-", cwd=small_project)
    assert done.returncode == 2 and "stdin: is empty" in done.stderr


def test_only_what_is_new_fails_against_a_baseline(playbook: Playbook, small_project: Path) -> None:
    """What stood when the file was written is counted; one mistake more is 1, and no file at all is 2."""
    assert playbook("check", "--baseline", "known.json", cwd=small_project).returncode == 2
    done = playbook("check", "--baseline", "known.json", "--update-baseline", cwd=small_project)
    assert (done.returncode, "findings in known.json" in done.stderr) == (0, True)
    page = small_project / "docs" / "index.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n```json\n{\n```\n", encoding="utf-8")
    done = playbook("check", "--baseline", "known.json", cwd=small_project)
    assert done.returncode == 1
    assert done.stdout.count("PB017") == 1
    assert "stood before" in done.stderr
