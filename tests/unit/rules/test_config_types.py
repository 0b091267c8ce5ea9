"""Our walk over Dagster's config schema and Dagster's own validation never disagree."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._config import ConfigType, Noneable, ScalarUnion, validate_config
from dagster._config.field import resolve_to_config_type
from dagster_shared.yaml_utils import load_run_config_yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagster_playbook.claims.yaml_text import read_yaml
from dagster_playbook.rules.config_types import ConfigWalk
from dagster_playbook.workers.dagster_reader import _config_type

NAMES = st.sampled_from(["alpha", "beta", "gamma", "env"])
SCALARS: st.SearchStrategy[Any] = st.sampled_from(
    [str, int, float, bool, dg.StringSource, dg.IntSource, dg.BoolSource, dg.Any]
)
ENUM = dg.Enum("Colour", [dg.EnumValue("red"), dg.EnumValue("blue")])


def _shapes(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(NAMES, st.builds(dg.Field, children, is_required=st.booleans()), min_size=1, max_size=3)
    return st.one_of(
        fields.map(dg.Shape),
        fields.map(dg.Permissive),
        fields.map(dg.Selector),
        children.map(dg.Array),
        children.map(Noneable),
        children.map(lambda inner: dg.Map(str, inner)),
        fields.map(lambda shape: ScalarUnion(str, dg.Shape(shape))),
    )


TYPES = st.recursive(st.one_of(SCALARS, st.just(ENUM)), _shapes, max_leaves=6)
LEAVES = st.sampled_from(["text", "red", "", 3, 2.5, True, None, "2024-01-01", "on", "1e3"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


def _accepts(config_type: ConfigType, text: str) -> bool:
    snapshot = config_type.schema_snapshot
    types = {key: _config_type(snap) for key, snap in snapshot.all_config_snaps_by_key.items()}
    node, problems = read_yaml(text)
    assert node is not None and not problems
    return not list(ConfigWalk(types).errors(node, config_type.key))


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(kind=TYPES, value=VALUES)
def test_the_walk_and_dagster_give_the_same_verdict(kind: Any, value: Any) -> None:
    """On any config type and any document, our walk accepts exactly what Dagster's own validation accepts."""
    config_type = resolve_to_config_type(kind)
    assert isinstance(config_type, ConfigType)
    text = yaml.safe_dump(value)
    theirs = validate_config(config_type, load_run_config_yaml(text)).success
    assert _accepts(config_type, text) == theirs


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("true", False),
        ("3", True),
        ("3.0", False),
        ("{env: PORT}", True),
        ("{env: PORT, other: x}", False),
        ("{}", False),
    ],
)
def test_an_integer_source_takes_a_number_or_an_environment_variable(text: str, accepted: bool) -> None:
    """`IntSource` takes an integer or `{env: NAME}` and nothing else, and a bool is no integer."""
    config_type = resolve_to_config_type(dg.IntSource)
    assert isinstance(config_type, ConfigType)
    assert _accepts(config_type, text) is accepted
    assert validate_config(config_type, load_run_config_yaml(text)).success is accepted
