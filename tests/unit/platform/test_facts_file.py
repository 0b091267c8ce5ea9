"""A file of facts is the platform as it was recorded, or one clear refusal."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts import facts_file
from dagster_playbook.facts.authority import ModelAnswer, SelectorAnswer, TextAnswer, TextProblem, Unjudged
from dagster_playbook.facts.facts import CommandFact, Facts, ModelFact, OptionFact
from dagster_playbook.facts.facts_file import Answers, Recorded, read_facts, write_facts
from dagster_playbook.platform.facts_authority import FactsAuthority

MODEL = ModelFact(
    "a.b", '"c"."a"."b"', "FULL", {"id": "BIGINT"}, ("x=y",), "@daily", ('"c"."raw"."t"',), (), "", "", "m.sql", 1
)
COMMAND = CommandFact("tool", (OptionFact(("-x", "--xs"), True),), subcommands={"run": CommandFact("run")})
FACTS = Facts("print", {"dagster": "1.0"}, {"a.b": MODEL}, commands={"tool": COMMAND}, values={"n": 3, "l": ["a"]})
ANSWERS = Answers(
    {"1": SelectorAnswer("git:main", ("a.b",))},
    {"2": ModelAnswer((TextProblem("no", 1, 2, "s"),), name="a.b", columns=("id",))},
    {"3": TextAnswer((TextProblem("no"),))},
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "facts.json"
    write_facts(path, Recorded(FACTS, ANSWERS))
    return path


def test_what_was_written_is_read(written: Path) -> None:
    """Facts and answers come back equal, tuples, nested commands and plain values included."""
    recorded = read_facts(written)
    assert recorded.facts.as_dict() == FACTS.as_dict()
    assert (recorded.facts.models["a.b"], recorded.facts.commands["tool"]) == (MODEL, COMMAND)
    assert recorded.answers == ANSWERS


def test_it_tells_its_format_and_versions(written: Path) -> None:
    """Who opens the file sees what it is, of which version, of which platform and which distributions."""
    document = json.loads(written.read_text())
    assert (document["format"], document["version"]) == ("dagster-playbook facts", 1)
    assert (document["facts"]["fingerprint"], document["facts"]["versions"]) == ("print", {"dagster": "1.0"})


def _signed(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """A change of the document whose digest is made right again: what a hostile writer would do."""

    def apply(path: Path) -> None:
        document = json.loads(path.read_text())
        change(document)
        body = {name: document[name] for name in ("facts", "answers")}
        document["digest"] = facts_file._digest(body)
        path.write_text(json.dumps(document))

    return apply


def _set(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def _deep(document: dict[str, Any]) -> None:
    command: dict[str, Any] = document["facts"]["commands"]["tool"]
    for _ in range(400):
        command["subcommands"] = {"run": {**command, "subcommands": {}}}
        command = command["subcommands"]["run"]


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: path.unlink(), "cannot be read: No such file"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "is not a regular file"),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "is not a regular file"),
    "empty": (lambda path: path.write_text(""), "is damaged: it is no JSON"),
    "not text": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is damaged: it is no JSON"),
    "cut short": (lambda path: path.write_text(path.read_text()[:-40]), "is damaged: it is no JSON"),
    "another document": (lambda path: path.write_text('{"facts": {}}'), "is no file of facts"),
    "a list": (lambda path: path.write_text("[]"), "is no file of facts"),
    "nested without end": (lambda path: path.write_text("[" * 200_000), "nested without end"),
    "a later version": (lambda path: _set(path, version=2), "has version 2 of the format, this playbook reads 1"),
    "a version of another type": (lambda path: _set(path, version=True), "has version True of the format"),
    "one byte changed": (lambda path: path.write_text(path.read_text().replace("BIGINT", "BIGINS")), "digest"),
    "too large": (lambda path: path.write_bytes(b" " * (facts_file.MAX_BYTES + 1)), "is larger than"),
    "facts that are a list": (_signed(lambda doc: doc.update(facts=[])), "is not of the shape of facts"),
    "a model without a name": (_signed(lambda doc: doc["facts"]["models"]["a.b"].pop("name")), "models.a.b.name"),
    "a number for a text": (_signed(lambda doc: doc["facts"]["models"]["a.b"].update(line="1")), "models.a.b.line"),
    "an answer of another shape": (_signed(lambda doc: doc["answers"]["texts"].update(x=[1])), "answers.texts.x"),
    "commands without end": (_signed(_deep), "is not of the shape of facts"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_another_file_is_one_refusal(kind: str, written: Path) -> None:
    """A file that is missing, foreign, damaged, huge, deep or wrongly typed is refused for that, with the cure."""
    change, reason = HOSTILE[kind]
    change(written)
    with pytest.raises(PlatformError) as refused:
        read_facts(written)
    assert reason in refused.value.message and "\n" not in refused.value.message
    assert refused.value.cure == "make it anew with `playbook facts --output FILE`"


def test_what_nobody_recorded_is_counted(tmp_path: Path) -> None:
    """A question without a recorded answer gives no problem, and is counted by what it was about."""
    unjudged = Unjudged()
    authority = FactsAuthority(Recorded(FACTS), unjudged)
    assert authority.load_model("MODEL (name x)").problems == ()
    assert authority.python_names("import x").problems == ()
    assert authority.select("git:main").models == ("git:main",)
    assert sorted(unjudged.take()) == ["MODEL block", "Python name", "selector"] and unjudged.take() == []
