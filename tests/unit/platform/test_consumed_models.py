"""Which of the affected models consumers see."""

from __future__ import annotations

import pytest

from dagster_playbook.restatement.affected_models import AffectedModel
from dagster_playbook.restatement.blast_radius import consumed


def affected(name: str, *parents: str, role: str = "downstream") -> AffectedModel:
    return AffectedModel(name, name, "FULL", role, "", "", True, "", parents, ())


STAGED = [affected("stg_a"), affected("a_v1", "stg_a"), affected("int_b", "stg_a")]


@pytest.mark.parametrize(
    ("models", "names", "seen"),
    [
        (STAGED, ["stg_a", "a_v1", "int_b"], ("a_v1",)),
        ([affected("stg_new")], ["stg_new", "a_v1"], ()),
        ([affected("stg_a"), affected("mart", "stg_a")], ["stg_a", "mart"], ("mart",)),
        ([affected("a_v1", role="missing")], ["a_v1"], ()),
    ],
    ids=["versioned", "a new staging model", "no versions in the project", "only due anyway"],
)
def test_consumers_see_versioned_models_or_else_the_last_ones(
    models: list[AffectedModel], names: list[str], seen: tuple[str, ...]
) -> None:
    """A version in the name marks what consumers read; a project without versions is read at its ends."""
    assert consumed(models, names) == seen
