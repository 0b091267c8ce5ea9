"""Words that a seed's loader takes for null: which they are, when they are told, and that the fix keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pandas as pd
import pytest

from dagster_playbook.check.edits import rewrites_of_findings, write_rewrite
from dagster_playbook.findings import Finding
from dagster_playbook.scaffold.layout import Layout
from dagster_playbook.scaffold.lint import lint_warehouse
from dagster_playbook.scaffold.lint.seed_words import NULL_WORDS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TYPES = "name VARCHAR, label VARCHAR, stars BIGINT"
LABELS = 'name,label,stars\npytest,NA,1\nattrs,null,\nclick,"None",3\nrich,,4\n'


def _lint(layout: Layout, csv: str, settings: str = "", types: str = TYPES) -> list[Finding]:
    sqlmesh = layout.root / layout.sqlmesh
    (sqlmesh / "seeds" / "labels.csv").write_text(csv, encoding="utf-8")
    columns = f",\n  columns ({types})" if types else ""
    text = f"MODEL (\n  name oso.labels,\n  kind SEED (path '../../seeds/labels.csv'{settings}){columns}\n);\n"
    (sqlmesh / "models" / "seeds" / "labels.sql").write_text(text, encoding="utf-8")
    return [f for f in lint_warehouse(layout, now=NOW).findings if f.rule == "WH210"]


def _fix(layout: Layout, findings: list[Finding]) -> None:
    for rewrite in rewrites_of_findings(layout.root, findings):
        write_rewrite(layout.root, rewrite)


def _loaded(layout: Layout) -> list[list[object]]:
    """The rows as SQLMesh loads them."""
    from sqlmesh.core.dialect import parse
    from sqlmesh.core.model import load_sql_based_model

    path = layout.root / layout.sqlmesh / "models" / "seeds" / "labels.sql"
    model = load_sql_based_model(parse(path.read_text(encoding="utf-8")), path=path, dialect="trino")
    (frame,) = model.render_seed()  # type: ignore[attr-defined]
    return [list(row) for row in frame.to_numpy().tolist()]


@pytest.mark.parametrize("word", sorted(NULL_WORDS))
def test_each_word_is_one_of_the_loader(word: str) -> None:
    """The loader reads every word of the list as null."""
    assert pd.read_csv(StringIO(f"a,b\n{word},x\n"))["a"].isna().all()


def test_loader_has_no_word_more() -> None:
    """No word of the loader is missing from the list."""
    from pandas._libs.parsers import STR_NA_VALUES

    assert set(STR_NA_VALUES) - {""} == NULL_WORDS


def test_words_of_a_text_are_told_with_the_first_place(layout: Layout) -> None:
    """A seed without settings loses its words; the finding names them and the column."""
    (finding,) = _lint(layout, LABELS)
    assert (finding.location.path.rsplit("/", 1)[-1], finding.location.line) == ("labels.csv", 2)
    assert finding.message == "'NA', 'None', 'null' of a text column are loaded as NULL (label)"


def test_fix_keeps_the_words_and_the_nulls(layout: Layout) -> None:
    """After the fix SQLMesh loads the words as they stand, and an empty cell is null as before."""
    findings = _lint(layout, LABELS)
    assert [row[1] for row in _loaded(layout)] == [None] * 4
    _fix(layout, findings)
    assert [row[1] for row in _loaded(layout)] == ["NA", "null", "None", None]
    assert [row[2] for row in _loaded(layout)] == [1, None, 3, 4]


def test_fix_goes_into_settings_that_are_there(layout: Layout) -> None:
    """Settings of other things stay."""
    _fix(layout, _lint(layout, LABELS, ", csv_settings (delimiter = ',')"))
    assert [row[1] for row in _loaded(layout)] == ["NA", "null", "None", None]


@pytest.mark.parametrize(
    ("settings", "csv", "types"),
    [
        (", csv_settings (keep_default_na = false)", LABELS, TYPES),
        (", csv_settings (keep_default_na=FALSE, na_values = ['NA'])", LABELS, "name VARCHAR"),
        (", csv_settings (na_values = ['NA', 'null', 'None'])", LABELS, TYPES),
        ("", "name,n\na,1\nb,NA\nc,\n", "name VARCHAR, n BIGINT"),
        ("", "name,n\na,1.5\nb,NaN\nc,-2e3\n", ""),
        ("", "name,label\na,Nathan\nb,nulls\nc,none\nd, NA\n", "name VARCHAR, label VARCHAR"),
    ],
)
def test_what_is_said_or_no_text_is_not_told(settings: str, csv: str, types: str, layout: Layout) -> None:
    """Words that the model keeps or calls null, numbers' own missing words, and words that only look alike."""
    assert _lint(layout, csv, settings, types) == []


@pytest.mark.parametrize(
    ("settings", "csv"),
    [
        (", csv_settings (na_values = ['-'])", LABELS),
        (", csv_settings (keep_default_na = true)", LABELS),
        ("", "name,label,stars\na,NA,NA\n"),
    ],
)
def test_where_two_answers_are_right_there_is_no_fix(settings: str, csv: str, layout: Layout) -> None:
    """Settings that say something else, or the same word in a column of numbers: told, and left to a person."""
    assert [finding.fix for finding in _lint(layout, csv, settings)] == [None]


def test_column_without_a_type_is_text_by_its_cells(layout: Layout) -> None:
    """Without declared types a column is text when another cell is no number."""
    assert [f.subject for f in _lint(layout, "name,label\na,b\nc,N/A\n", types="")] == ["N/A"]
