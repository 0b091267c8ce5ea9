"""Values from the command line: typed, and never more than the one value that they are."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import exp

from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook import fill
from dagster_playbook.runbook.parameters import read_values, shown

HOSTILE = (Path(__file__).parents[2] / "data" / "runbooks" / "hostile" / "values.txt").read_text(encoding="utf-8")
VALUES = [line.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in line else line
          for line in HOSTILE.splitlines()]  # fmt: skip
PARAMETERS = """
    text: {type: string, example: x, help: Any text}
"""
TYPED = """
    count: {type: integer, default: 1, help: A number}
    share: {type: number, default: 0.5, help: A share}
    fast: {type: boolean, default: false, help: A switch}
    day: {type: date, default: null, help: A day}
    models: {type: "list[selector]", example: [oso.a], help: Models}
    size: {type: string, choices: [small, large], default: small, help: A size}
    password: {type: string, default: "", secret: true, help: A secret}
"""
SQL = """```sql {#ask query="duckdb"}
SELECT {{ text }} AS said WHERE {{ text }} IN ({{ text }}, 'b')
```
"""
COMMAND = """```sh {#tell changes="nothing"}
%s -c "import json, sys; print(json.dumps(sys.argv[1:]))" {{ text }} end
```
"""
YAML = """```yaml {#run job="sqlmesh_all_assets" no_undo="x"}
ops:
  sqlmesh_project:
    config:
      restate_models: ["{{ text }}"]
```
"""


def marked(value: str, tmp_path: Path) -> str:
    return value.replace("{marker}", str(tmp_path / "marker"))


def test_the_corpus_is_large_enough() -> None:
    """At least 40 different hostile values."""
    assert len(set(VALUES)) >= 40


@pytest.mark.parametrize("value", VALUES)
def test_a_hostile_value_stays_a_value_in_sql(value: str, tmp_path: Path, runbook_of: Callable[..., Runbook]) -> None:
    """What DuckDB gets is one SELECT that says the value back, whatever is in it."""
    text = marked(value, tmp_path)
    step = runbook_of(SQL, PARAMETERS).steps[0]
    sql = fill.sql_of(step, {"text": text})
    assert isinstance(sqlglot.parse_one(sql, dialect="duckdb"), exp.Select)
    if "\x00" not in text:
        assert duckdb.sql(sql).fetchall() == [(text,)]
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("value", VALUES)
def test_a_hostile_value_stays_one_argument(value: str, tmp_path: Path, runbook_of: Callable[..., Runbook]) -> None:
    """A program gets it as one whole argument, or it is refused because it would be read as an option."""
    import subprocess

    text = marked(value, tmp_path)
    step = runbook_of(COMMAND % sys.executable, PARAMETERS).steps[0]
    try:
        arguments = fill.arguments_of(step, {"text": text})
    except RunbookError:
        assert text.startswith("-")
        return
    assert arguments[3:] == [text, "end"]
    if "\x00" not in text:
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert json.loads(done.stdout) == [text, "end"]
    assert list(tmp_path.iterdir()) == [tmp_path / "page.md"]


@pytest.mark.parametrize("value", VALUES)
def test_a_hostile_value_stays_one_scalar_in_yaml(
    value: str, tmp_path: Path, runbook_of: Callable[..., Runbook]
) -> None:
    """The run config holds the text itself, so that Dagster's and SQLMesh's own checks see it."""
    text = marked(value, tmp_path)
    config = fill.yaml_of(runbook_of(YAML, PARAMETERS).steps[0], {"text": text})
    assert config["ops"]["sqlmesh_project"]["config"]["restate_models"] == [text]
    assert yaml.safe_load(yaml.safe_dump(config)) == config or "\x00" in text or not text.isprintable()


@pytest.mark.parametrize("kind", ["selector", "model", "hash", "category", "date", "integer", "boolean"])
@pytest.mark.parametrize("value", ["; rm -rf /", "$(id)", "`id`", "a b; c", "a'b", 'a"b', "a\nb", "--flag", "a\x00b"])
def test_a_typed_parameter_refuses_what_it_cannot_be(kind: str, value: str, runbook_of: Callable[..., Runbook]) -> None:
    """Names and numbers have a form, and hostile text has none of them."""
    runbook = runbook_of(SQL, f"    text: {{type: {kind}, example: x, help: Something}}\n")
    with pytest.raises(RunbookError):
        read_values(runbook, [f"text={value}"])


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        (["count=7"], "count", 7),
        (["share=0.25"], "share", 0.25),
        (["fast=yes"], "fast", True),
        (["day=2026-02-28"], "day", "2026-02-28"),
        (["models=oso.a", "models=tag:x+"], "models", ["oso.a", "tag:x+"]),
        (['models=["oso.a", "+oso.b"]'], "models", ["oso.a", "+oso.b"]),
        (["size=large"], "size", "large"),
    ],
)
def test_text_becomes_the_type(given: list[str], name: str, value: Any, runbook_of: Callable[..., Runbook]) -> None:
    """A parameter's value has its type before any step sees it."""
    others = [] if name == "models" else ["models=oso.a"]
    assert read_values(runbook_of(SQL, TYPED), [*given, *others])[name] == value


@pytest.mark.parametrize(
    "given",
    [["count=many"], ["fast=perhaps"], ["day=2026-02-30"], ["size=huge"], ["colour=red"], ["count"], ["size=large"] * 2,
     ["models=[1]"], ['models=["oso.a", 2]']],
)  # fmt: skip
def test_what_is_no_value_is_refused(given: list[str], runbook_of: Callable[..., Runbook]) -> None:
    """A wrong value, an unknown name or one given twice is one clear error."""
    others = [] if given[0].startswith("models") else ["models=oso.a"]
    with pytest.raises(RunbookError):
        read_values(runbook_of(SQL, TYPED), [*given, *others])


def test_a_missing_parameter_is_asked_for(runbook_of: Callable[..., Runbook]) -> None:
    """The error says its name and what it is for."""
    with pytest.raises(RunbookError, match=r"-p models=\.\.\. is missing: Models"):
        read_values(runbook_of(SQL, TYPED), [])


def test_a_secret_is_not_shown(runbook_of: Callable[..., Runbook]) -> None:
    """What people and files see of a secret parameter is that there is one."""
    runbook = runbook_of(SQL, TYPED)
    values = read_values(runbook, ["password=open sesame", "models=oso.a"])
    assert values["password"] == "open sesame"
    assert "open sesame" not in str(shown(runbook, values))


def test_a_list_fills_an_in(runbook_of: Callable[..., Runbook]) -> None:
    """A list parameter in `IN (...)` is its items, each a literal."""
    step = runbook_of("```sql {#q query=\"duckdb\"}\nSELECT 1 AS one WHERE 'b' IN ({{ models }})\n```\n", TYPED).steps[
        0
    ]
    assert duckdb.sql(fill.sql_of(step, {"models": ["a'", "b"]})).fetchall() == [(1,)]


def test_a_table_is_made_of_identifiers(runbook_of: Callable[..., Runbook]) -> None:
    """A name in the place of a table becomes identifiers, and anything else there is refused."""
    parameters = "    table: {type: model, example: a, help: A table}\n"
    step = runbook_of('```sql {#q query="duckdb"}\nSELECT * FROM {{ table }}\n```\n', parameters).steps[0]
    assert fill.sql_of(step, {"table": "iceberg.oso.select"}) == 'SELECT * FROM iceberg.oso."select"'
    with pytest.raises(RunbookError):
        fill.sql_of(step, {"table": "t; DROP TABLE x"})


def test_an_empty_optional_leaves_its_field_out(runbook_of: Callable[..., Runbook]) -> None:
    """Dagster takes no null for a plain field, so a parameter that was left empty takes its field along."""
    step = runbook_of('```yaml {#r job="j" no_undo="x"}\na: {b: "{{ day }}", c: 2026-01-01}\n```\n', TYPED).steps[0]
    assert fill.yaml_of(step, {"day": None}) == {"a": {"c": "2026-01-01"}}


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-Infinity", "1e999"])
def test_a_number_that_json_has_not_is_refused(runbook_of: Callable[..., Runbook], text: str) -> None:
    """A digest could not be made of it, so it is no value."""
    runbook = runbook_of('```sh {#x changes="nothing"}\ntrue\n```\n', "    n: {type: number, help: x}\n")
    with pytest.raises(RunbookError, match=f"-p n: '{text}' is no finite number"):
        read_values(runbook, [f"n={text}"])


@pytest.mark.parametrize("text", [str(2**63), "-" + str(2**70), "9" * 5000])
def test_an_integer_that_no_platform_holds_is_refused(runbook_of: Callable[..., Runbook], text: str) -> None:
    """With one clear reason, however many digits it has."""
    runbook = runbook_of('```sh {#x changes="nothing"}\ntrue\n```\n', "    n: {type: integer, help: x}\n")
    with pytest.raises(RunbookError, match="-p n: an integer has to fit into 64 bits"):
        read_values(runbook, [f"n={text}"])
