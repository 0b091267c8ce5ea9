"""The recorded selector answers as SQLMesh's own, or says that it cannot."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dagster_playbook.check import Checker
from dagster_playbook.facts.recorded_selector import NotRecordedError, RecordedSelector

WORDS = [
    "oso.projects_v1",
    "OSO.Projects_v1",
    "iceberg.oso.int_projects",
    "oso.stg_",
    "pypi.releases",
    "_v1",
    "projects_v1",
    "nothing",
    "entity_category",
    "project",
    "consumer",
    "staging",
    "TAG",
    "tag",
    "a-b",
    "x--y",
    "entity_category=project",
    "entity_category=",
    "=x",
    "1x",
    "'q'",
]
SIGNS = ["+", "*", "(", ")", "&", "|", "^", ":", " ", "tag:", "git:main"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(parts=["oso.projects_v1", " ", "git:main"])
@given(parts=st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(SIGNS)), min_size=1, max_size=9))
def test_it_answers_as_sqlmesh_does(parts: list[str], checker: Checker) -> None:
    """Any entry has the same models as by SQLMesh's own Selector, or is refused by both, or is not judged."""
    entry = "".join(parts)
    try:
        answer = RecordedSelector(checker.facts).select(entry)
    except NotRecordedError:
        return
    assert answer == checker.world.authority.select(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "+oso.projects_v1",
        "oso.stg_pypi__projects+",
        "+oso.int_projects+",
        "*",
        "oso.*",
        "*_v1",
        "^oso.*",
        "tag:*",
        "oso.projects_v1 | oso.collections_v1",
        "oso.* & ^(oso.stg_* | oso.int_*)",
        "(oso.projects_v1",
        "a & b & c",
        "tag:+x",
        "tag:entity_category=project",
        "tag:ENTITY_*+",
        "+tag:entity_category=*",
        "+OSO.PROJECTS_V1",
        "x y",
        "tag: nothing",
        "(oso.projects_v1+)+",
    ],
)
def test_every_operator_is_answered(entry: str, checker: Checker) -> None:
    """Names, wildcards, tags, directions, brackets and what does not parse are all answered, and as SQLMesh does."""
    assert RecordedSelector(checker.facts).select(entry) == checker.world.authority.select(entry)


@pytest.mark.parametrize("entry", ["git:main", "resource_type:model", "'a'", "a -- b", "x" * 600, "1a", "oso."])
def test_what_the_record_cannot_tell(entry: str, checker: Checker) -> None:
    """What needs a checkout or SQLMesh's own tokenizer is not judged, never guessed."""
    with pytest.raises(NotRecordedError):
        RecordedSelector(checker.facts).select(entry)
