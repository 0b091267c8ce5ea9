"""What SQLMesh, Dagster and Python say of a text, and where: each case is a file in tests/data/platform/texts.

The first lines of a case say `expect: ok`, or `expect: line:column subject | words of the message`, one for each
problem. Lines count from the top of the file, expectations included.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.authority import ModelAnswer, TextAnswer, TextProblem
from dagster_playbook.platform.live_authority import LiveAuthority
from dagster_playbook.settings import Settings

TEXTS = Path(__file__).parents[2] / "data" / "platform" / "texts"
CASES = sorted(path.relative_to(TEXTS) for path in TEXTS.rglob("*.*"))
EXPECTATION = re.compile(r"^(?:#|--) expect: (.*)$", re.MULTILINE)


def _ask(authority: LiveAuthority, question: str, text: str) -> TextAnswer | ModelAnswer:
    if question == "validate_run_config":
        return authority.validate_run_config("load_job", text)
    answer: TextAnswer | ModelAnswer = getattr(authority, question)(text)
    return answer


def _agrees(expected: str, problem: TextProblem) -> bool:
    place, _, words = expected.partition(" | ")
    told = f"{problem.line}:{problem.column} {problem.subject}".strip()
    return place.removesuffix(" |").strip() == told and words in problem.message


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_authority_says_what_the_case_expects(authority: LiveAuthority, case: Path) -> None:
    """Each problem is told once, at its line and column, and a text without one is accepted."""
    text = (TEXTS / case).read_text(encoding="utf-8")
    expected = [line for line in EXPECTATION.findall(text) if line != "ok"]
    problems = sorted(_ask(authority, case.parts[0], text).problems, key=lambda item: (item.line, item.column))
    assert len(problems) == len(expected), problems
    for line in expected:
        assert any(_agrees(line, problem) for problem in problems), (line, problems)


def test_every_question_has_cases_of_both_verdicts() -> None:
    """No question is tested by accepted texts alone, or by refused ones alone."""
    verdicts: dict[str, set[bool]] = {}
    for case in CASES:
        is_ok = "expect: ok" in (TEXTS / case).read_text(encoding="utf-8")
        verdicts.setdefault(case.parts[0], set()).add(is_ok)
    assert verdicts == {
        question: {True, False}
        for question in ("dagster_instance", "load_model", "python_names", "sqlmesh_config", "validate_run_config")
    }


def test_a_loaded_model_tells_its_columns_and_upstream(authority: LiveAuthority) -> None:
    """A rule can hold the rest of a page to what the MODEL block on it defines."""
    answer = authority.load_model("MODEL (name shop.x, kind FULL, tags (a));\nSELECT customer_id FROM shop.customers")
    assert answer == ModelAnswer((), "shop.x", "FULL", ("a",), ("customer_id",), ('"lake"."shop"."customers"',))


def test_a_query_with_macros_tells_what_stands_outside_of_them(authority: LiveAuthority) -> None:
    """Columns that are named and tables that are written out are read off the query; nothing is expanded."""
    query = "SELECT @nothing(a) AS a, b FROM shop.customers JOIN @this_model WHERE @AND(TRUE, c > @smallest_total)"
    answer = authority.load_model(f"MODEL (name shop.x, kind FULL);\n{query}")
    assert (answer.columns, answer.depends_on) == (("a", "b"), ('"lake"."shop"."customers"',))


def test_columns_that_a_macro_makes_are_not_guessed(authority: LiveAuthority) -> None:
    """A rule that knows some of the columns would take the others for mistakes."""
    answer = authority.load_model("MODEL (name shop.x, kind FULL);\nSELECT 1 AS a, @STAR(shop.customers)")
    assert (answer.problems, answer.columns) == ((), ())


def test_what_git_is_told_is_no_option(authority: LiveAuthority, tmp_path: Path) -> None:
    """SQLMesh hands a branch's name to git as it stands; from a page it is not handed on."""
    answer = authority.select(f"git:--output={tmp_path / 'made'} & shop.customers")
    assert (answer.models, answer.error, list(tmp_path.iterdir())) == (("shop.customers",), "", [])


@pytest.mark.parametrize(
    ("entry", "models"),
    [
        ("shop.customers", ("shop.customers",)),
        ("SHOP.customers", ("shop.customers",)),
        ("+shop.customers", ("shop.customers", "shop.seed_orders", "shop.stg_orders")),
        ("shop.customers+", ("shop.best_customers", "shop.customers")),
        ("*orders", ("shop.int_daily_orders", "shop.seed_orders", "shop.stg_orders")),
        ("SHOP.*", ()),
        ("tag:entity_category=order", ("shop.int_daily_orders", "shop.stg_orders")),
        ("tag:staging & shop.*", ("shop.stg_orders",)),
        ("^tag:entity_category=*", ("shop.best_customers", "shop.seed_orders")),
        ("shop.custommers", ()),
    ],
)
def test_a_selector_entry_matches_what_sqlmesh_matches(
    authority: LiveAuthority, entry: str, models: tuple[str, ...]
) -> None:
    """Wildcards, directions, tags and set operations are SQLMesh's own, letter case included."""
    answer = authority.select(entry)
    assert (answer.models, answer.error) == (models, "")


@pytest.mark.parametrize("entry", ["", "shop.*orders", "tag:+x", "a & b & c", "(shop.customers", "'"])
def test_an_entry_that_does_not_parse_says_why(authority: LiveAuthority, entry: str) -> None:
    """What SQLMesh cannot parse is an error, never an empty match."""
    assert authority.select(entry).error


def test_without_projects_texts_can_still_be_judged(sample_settings: Settings) -> None:
    """A project that has only documents can hold them to SQLMesh's and Dagster's own schemas."""
    bare = LiveAuthority(replace(sample_settings, sqlmesh=(), dagster=()))
    assert bare.sqlmesh_config("model_defaults:\n  dialcet: duckdb\n").problems
    assert bare.dagster_instance("run_retries:\n  max_retries: 3\n").problems == ()
    assert bare.load_model("MODEL (name a.b, kind FULL, audits (of_some_project)); SELECT 1 AS a").problems == ()
    assert bare.python_names("import dagster\n").problems == ()


def test_without_a_project_there_is_nothing_to_select_from(sample_settings: Settings) -> None:
    """A question about a project that is not configured is an error with a cure, not an empty answer."""
    bare = LiveAuthority(replace(sample_settings, sqlmesh=(), dagster=()))
    with pytest.raises(PlatformError, match="no SQLMesh project is configured") as caught:
        bare.select("a.b")
    assert "tool.playbook.sqlmesh" in caught.value.cure
    with pytest.raises(PlatformError, match="no Dagster code location is configured"):
        bare.validate_run_config("job", "ops: {}\n")


def test_an_unknown_job_is_refused(authority: LiveAuthority) -> None:
    """A verdict on a job that does not exist would be no verdict."""
    with pytest.raises(PlatformError, match="no job 'nope'"):
        authority.validate_run_config("nope", "")
