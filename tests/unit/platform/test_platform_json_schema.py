"""A schema and Dagster come to the same verdict on every config."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from dagster_playbook.facts.facts import ConfigTypeFact, Facts
from dagster_playbook.facts.json_schema import job_schema, op_schema
from dagster_playbook.platform.live_authority import LiveAuthority

JOBS = ("__ASSET_JOB", "load_job", "promote_job")
#: JSON Schema cannot tell 1.0 from 1, so a float here is never whole
FLOATS = st.floats(-1e6, 1e6).filter(lambda number: not number.is_integer())
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), FLOATS, st.sampled_from(["", "x", "SAFE", "2024-01-01"])
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["env", "config", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
ENVIRONMENT = {"env": "PLAYBOOK_NUMBER"}
OF_SCALARS = {"INT": st.integers(-5, 5), "STRING": st.text(max_size=4), "BOOL": st.booleans(), "FLOAT": FLOATS}


class Configs:
    """Configs of one type: valid for the most part, and wrong in one place or another every so often."""

    def __init__(self, types: dict[str, ConfigTypeFact], draw: st.DrawFn) -> None:
        self._types = types
        self._draw = draw

    def of(self, key: str) -> Any:
        if self._draw(st.integers(0, 24)) == 0:
            return self._draw(JUNK)
        kind = self._types[key]
        made: Any = getattr(self, f"_{kind.kind.lower()}")(kind)
        return made

    def _any(self, _: ConfigTypeFact) -> Any:
        return self._draw(JUNK)

    def _scalar(self, kind: ConfigTypeFact) -> Any:
        return self._draw(OF_SCALARS[kind.scalar])

    def _enum(self, kind: ConfigTypeFact) -> Any:
        return self._draw(st.sampled_from([*kind.enum, "other"]))

    def _noneable(self, kind: ConfigTypeFact) -> Any:
        return None if self._draw(st.booleans()) else self.of(kind.inner[0])

    def _array(self, kind: ConfigTypeFact) -> Any:
        return [self.of(kind.inner[0]) for _ in range(self._draw(st.integers(0, 2)))]

    def _map(self, kind: ConfigTypeFact) -> Any:
        return {name: self.of(kind.inner[1]) for name in self._draw(st.sets(st.text(max_size=3), max_size=2))}

    def _scalar_union(self, kind: ConfigTypeFact) -> Any:
        choice = self._draw(st.integers(0, 3))
        return ENVIRONMENT if choice == 0 else self.of(kind.inner[1] if choice == 1 else kind.inner[0])

    def _selector(self, kind: ConfigTypeFact) -> Any:
        count = self._draw(st.sampled_from([0, 1, 1, 1, 1, 2]))
        chosen = self._draw(st.permutations(kind.fields))[:count]
        return {item.name: None if self._draw(st.integers(0, 5)) == 0 else self.of(item.type_key) for item in chosen}

    def _strict_shape(self, kind: ConfigTypeFact) -> Any:
        made = {}
        for item in kind.fields:
            chance = 12 if item.is_required else 1
            if self._draw(st.integers(0, chance)):
                made[item.name] = self.of(item.type_key)
        if self._draw(st.integers(0, 19)) == 0:
            made[self._draw(st.sampled_from(["extra", "confg", "solids"]))] = self._draw(JUNK)
        return made

    def _permissive_shape(self, kind: ConfigTypeFact) -> Any:
        made = self._strict_shape(kind)
        return (
            {**made, **self._draw(st.dictionaries(st.sampled_from(["a", "b"]), JUNK))}
            if isinstance(made, dict)
            else made
        )


@st.composite
def configs(draw: st.DrawFn, types: dict[str, ConfigTypeFact], key: str) -> Any:
    return Configs(types, draw).of(key)


def _accepts(authority: LiveAuthority, job: str, config: Any) -> bool:
    return not authority.validate_run_config(job, yaml.safe_dump(config, allow_unicode=True)).problems


@pytest.mark.parametrize("job", JOBS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_schema_and_dagster_agree_on_a_run_config(
    sample_facts: Facts, authority: LiveAuthority, job: str, data: st.DataObject
) -> None:
    """Never does one say yes and the other no."""
    config = data.draw(configs(sample_facts.config_types, sample_facts.jobs[job].config_type))
    config = {} if config is None else config
    assert Draft202012Validator(job_schema(sample_facts, job)).is_valid(config) == _accepts(authority, job, config)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_schema_and_dagster_agree_on_the_config_of_an_op(
    sample_facts: Facts, authority: LiveAuthority, data: st.DataObject
) -> None:
    """What is valid for the op is valid under `config:` of the op in a job."""
    config = data.draw(configs(sample_facts.config_types, sample_facts.ops["load_orders"]))
    whole = {"ops": {"load_orders": {"config": config}, "publish": {"config": {"target": {"table": "x"}}}}}
    schema = op_schema(sample_facts, "load_orders")
    assert Draft202012Validator(schema).is_valid(config) == _accepts(authority, "load_job", whole)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("wanted", [True, False])
def test_the_generator_makes_both_kinds(sample_facts: Facts, job: str, wanted: bool) -> None:
    """The agreement above is about accepted configs and refused ones."""
    validator = Draft202012Validator(job_schema(sample_facts, job))
    made = configs(sample_facts.config_types, sample_facts.jobs[job].config_type)
    first = settings(max_examples=500, phases=[Phase.generate])
    assert find(made, lambda config: bool(config) and validator.is_valid(config) is wanted, settings=first)


@pytest.mark.parametrize(
    ("config", "is_valid"),
    [
        ({}, True),
        ({"limit": {"env": "PLAYBOOK_NUMBER"}}, True),
        ({"limit": {"env": "PLAYBOOK_NUMBER", "x": 1}}, False),
        ({"limit": {"envv": "PLAYBOOK_NUMBER"}}, False),
        ({"limit": "1"}, False),
        ({"limit": True}, False),
        ({"threshold": True}, True),
        ({"threshold": 1}, True),
        ({"models": None}, True),
        ({"models": "x"}, False),
        ({"models": [1]}, False),
        ({"mode": "FAST"}, True),
        ({"mode": "fast"}, False),
        ({"window": {"start": "a"}}, True),
        ({"window": {}}, False),
        ({"labels": {"a": 1}}, True),
        ({"labels": {"a": "b"}}, False),
        ({"labels": None}, True),
        ({"modles": []}, False),
        (None, False),
    ],
)
def test_known_configs(sample_facts: Facts, authority: LiveAuthority, config: Any, is_valid: bool) -> None:
    """Both sides, on the configs that people really write."""
    whole = {"ops": {"load_orders": {"config": config}, "publish": {"config": {"target": {"table": "x"}}}}}
    assert Draft202012Validator(op_schema(sample_facts, "load_orders")).is_valid(config) is is_valid
    assert _accepts(authority, "load_job", whole) is is_valid


@pytest.mark.parametrize("job", JOBS)
def test_a_schema_is_a_schema(sample_facts: Facts, job: str) -> None:
    """It is valid by the dialect that it names, and each of its definitions is used."""
    schema = job_schema(sample_facts, job)
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert all(f'"#/$defs/{name}"' in text for name in schema["$defs"])


def test_examples_name_what_the_platform_has(sample_facts: Facts) -> None:
    """A field for models offers models and selectors of the project, each valid where it stands."""
    schema = op_schema(sample_facts, "load_orders")
    field = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]["models"]
    offered = [entry for example in field["examples"] for entry in example]
    assert {"shop.customers", "tag:entity_category=order", "shop.*"} - set(offered) <= {"shop.*"}
    assert all(
        Draft202012Validator({**schema, "$ref": schema["$ref"]}).is_valid({"models": x}) for x in field["examples"]
    )


def test_each_offered_selector_matches_a_model(sample_facts: Facts, authority: LiveAuthority) -> None:
    """An editor never completes an entry that would restate nothing."""
    schema = op_schema(sample_facts, "load_orders")
    field = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]["models"]
    for example in field["examples"]:
        assert authority.select(example[0]).models, example


def test_defaults_and_descriptions_are_dagsters(sample_facts: Facts) -> None:
    """An editor shows what the launchpad shows."""
    schema = op_schema(sample_facts, "load_orders")
    field = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]["limit"]
    assert (field["default"], field["description"]) == (100, "How many orders to read at most.")


def test_an_alias_stands_for_its_field_and_not_beside_it() -> None:
    """Where Dagster still takes an old name, the schema takes either and never both."""
    from dagster_playbook.facts.facts import ConfigFieldFact, JobFact

    types = {
        "Int": ConfigTypeFact("Int", "SCALAR", scalar="INT"),
        "S": ConfigTypeFact("S", "STRICT_SHAPE", fields=(ConfigFieldFact("new", "Int", True),), aliases={"new": "old"}),
    }
    facts = Facts(config_types=types, jobs={"j": JobFact("j", (), "S", {})})
    validator = Draft202012Validator(job_schema(facts, "j"))
    verdicts = [
        validator.is_valid(config) for config in ({"new": 1}, {"old": 1}, {"new": 1, "old": 1}, {}, {"old": "x"})
    ]
    assert verdicts == [True, True, False, False, False]
