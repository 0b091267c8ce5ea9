"""From a name on a page to where it is defined, and the outline of a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec

from dagster_playbook.lsp.answers import Answers
from dagster_playbook.lsp.server import make_server
from dagster_playbook.lsp.session import Session

PAGE = """# Load

Read `shop.customers`, then run `load_job`, which reads <!-- fact: dagster.jobs.count -->2<!-- /fact --> things.

## Run it

```yaml {#load job="load_job"}
ops:
  load_orders:
    config:
      limit: 5
```

### Later

Nothing of `lake` is named `nobody`.

## End
"""
#: a text of the page, and a line of the file that its definition begins with
DEFINED = [
    ("shop.customers", "name shop.customers"),
    ("load_job", "load_job"),
    ("load_orders", "load_orders"),
    ("lake`", "connector.name"),
]


@pytest.fixture(scope="module")
def answers(sample_platform: Path) -> Answers:
    made = Answers(Session(sample_platform), PositionCodec())
    made.session.texts["docs/a.md"] = PAGE
    return made


def position(text: str) -> types.Position:
    """The place of a text on the page, two characters in."""
    before = PAGE[: PAGE.index(text) + 2]
    return types.Position(before.count("\n"), len(before) - before.rfind("\n") - 1)


@pytest.mark.parametrize(("text", "line"), DEFINED, ids=[text for text, _ in DEFINED])
def test_a_name_leads_to_its_definition(answers: Answers, text: str, line: str) -> None:
    """A model to its file, a job and an op to the source that names them, a catalog to its properties."""
    found = answers.definition("docs/a.md", position(text))
    assert found is not None
    path = Path(found.uri.removeprefix("file://"))
    shown = path.read_text().splitlines()[found.range.start.line :]
    assert line in "\n".join(shown[:3])


def test_what_is_defined_nowhere_leads_nowhere(answers: Answers) -> None:
    """A name that the platform does not know, and running text."""
    assert answers.definition("docs/a.md", position("nobody")) is None
    assert answers.definition("docs/a.md", position("things")) is None


def test_the_outline_is_headings_with_what_stands_below_them(answers: Answers) -> None:
    """Blocks with an id and bound facts are below their heading, which reaches to the next one."""
    (load,) = answers.symbols("docs/a.md")

    def tree(symbol: types.DocumentSymbol) -> object:
        return (symbol.name, [tree(child) for child in symbol.children or ()])

    assert tree(load) == (
        "Load",
        [("dagster.jobs.count", []), ("Run it", [("load", []), ("Later", [])]), ("End", [])],
    )
    run_it = (load.children or ())[1]
    assert (run_it.range.start.line, run_it.range.end.line) == (4, 16)
    assert (run_it.children or ())[0].detail == "job=load_job"


def test_the_server_offers_both() -> None:
    """An editor learns of both when it connects."""
    features = make_server().protocol.fm.features
    assert {types.TEXT_DOCUMENT_DEFINITION, types.TEXT_DOCUMENT_DOCUMENT_SYMBOL} <= set(features)
