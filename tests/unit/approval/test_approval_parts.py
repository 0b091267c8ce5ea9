"""Digests: equal for the same thing, different for any other, and worked out again by whoever holds a request."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dagster_playbook.approval.canonical import canonical, restatement_scope, scope_digest, sha256
from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.parts import Parts, new_salt, parts_of, secret_digest

OTHER: dict[str, Any] = {
    "runbook": "x", "text": "x", "target": "x", "steps": "x", "parameters": {"models": ["oso.b"]}, "salt": "x",
    "secrets": {"token": "x"}, "versions": {"sqlmesh": "2"}, "platform": "x", "sources": ("x",), "blast_radius": "x",
    "scopes": ("scope-1", "x"),
}  # fmt: skip


def _payload(parts: Parts, **changes: Any) -> dict[str, Any]:
    return {"digest": parts.digest, "parts": parts.as_dict() | changes}


def test_the_digest_covers_every_part(parts: Parts) -> None:
    """Whatever changes, the digest does, and the part is named."""
    assert set(OTHER) == {one.name for one in dataclasses.fields(Parts)}
    for name, value in OTHER.items():
        changed = dataclasses.replace(parts, **{name: value})
        assert changed.digest != parts.digest
        assert parts.differing(changed) == [name]
    assert parts.differing(dataclasses.replace(parts)) == []


def test_the_order_of_scopes_and_sources_says_nothing(parts: Parts) -> None:
    """Two machines that list them differently make one digest."""
    one = dataclasses.replace(parts, scopes=("a", "b"), sources=("c", "d"))
    assert one.digest == dataclasses.replace(parts, scopes=("b", "a"), sources=("d", "c")).digest


def test_parts_come_back_from_a_request(parts: Parts) -> None:
    """As they went in."""
    assert parts_of(_payload(parts)) == parts


@pytest.mark.parametrize("name", OTHER)
def test_a_digest_that_is_not_its_parts_is_refused(parts: Parts, name: str) -> None:
    """Scopes, text, target or whatever else was exchanged under an honest digest."""
    value = list(OTHER[name]) if isinstance(OTHER[name], tuple) else OTHER[name]
    with pytest.raises(RefusedError, match="the request's digest is not the digest of what it says"):
        parts_of(_payload(parts, **{name: value}))


@pytest.mark.parametrize("name", OTHER)
def test_parts_of_another_shape_are_refused(parts: Parts, name: str) -> None:
    """A number in the place of any part, or in a list of them, is no request and no traceback."""
    for wrong in (3, None, [3]):
        with pytest.raises(RefusedError, match="does not say what its digest is made of"):
            parts_of(_payload(parts, **{name: wrong}))


def test_missing_and_further_parts_are_refused(parts: Parts) -> None:
    """What is not known cannot be judged."""
    for payload in (
        {"digest": parts.digest},
        {"digest": parts.digest, "parts": []},
        _payload(parts, more="x"),
        {"digest": parts.digest, "parts": {"runbook": "x"}},
    ):
        with pytest.raises(RefusedError, match="does not say what its digest is made of"):
            parts_of(payload)


def test_a_secret_is_told_apart_and_not_told() -> None:
    """Equal under one salt for one value and name; different for anything else; the value is nowhere in it."""
    digest = secret_digest("salt", "token", "hunter22")
    assert digest == secret_digest("salt", "token", "hunter22")
    others = [("pepper", "token", "hunter22"), ("salt", "key", "hunter22"), ("salt", "token", "hunter23")]
    assert len({digest, *(secret_digest(*other) for other in others)}) == 4
    assert secret_digest("salt", "token", 1) != secret_digest("salt", "token", "1")
    assert len(digest) == 64
    assert "hunter22" not in digest


def test_salts_are_random() -> None:
    """Sixteen bytes, never the same."""
    assert len({new_salt() for _ in range(20)}) == 20
    assert len(bytes.fromhex(new_salt())) == 16


def test_defaults_and_order_do_not_change_a_restatement_s_scope() -> None:
    """The page's YAML and the op's config with its defaults filled in have the same scope."""
    page = {"restate_models": ["oso.b", "oso.a"]}
    op = {"restate_models": ["oso.a", "oso.b"], "skip_tests": False, "start": None, "restate_entity_categories": []}
    one = restatement_scope("sqlmesh_project", page, ["oso.a", "oso.b"])
    assert one == restatement_scope("sqlmesh_project", op, ("oso.b", "oso.a"))


@pytest.mark.parametrize("changes", [{"restate_models": ["oso.c"]}, {"start": "2024-01-01"}, {"skip_tests": True}])
def test_what_is_said_changes_a_scope(changes: dict[str, Any]) -> None:
    """Another model, window or switch is another scope, and so is another op or another set of affected models."""
    config = {"restate_models": ["oso.a"]}
    one = restatement_scope("op", config, ["oso.a"])
    others = [
        restatement_scope("op", config | changes, ["oso.a"]),
        restatement_scope("other", config, ["oso.a"]),
        restatement_scope("op", config, ["oso.a", "oso.b"]),
    ]
    assert len({one, *others}) == 4


def test_a_switch_that_is_off_says_something_elsewhere() -> None:
    """An approval of a dry run, which is another op's default, does not cover a run that deletes."""
    assert scope_digest("op", {"dry_run": False}) != scope_digest("op", {})
    assert scope_digest("op", {"count": 0}) != scope_digest("op", {})
    for empty in (None, "", [], {}, ()):
        assert scope_digest("op", {"field": empty}) == scope_digest("op", {})


def test_items_of_another_type_are_another_scope() -> None:
    """The number 1 is not the text 1."""
    assert scope_digest("op", {"a": [1]}) != scope_digest("op", {"a": ["1"]})


def test_a_digest_is_of_the_canonical_form() -> None:
    """Sorted keys, no blanks, text as it is: the known SHA-256 of the known text."""
    assert canonical({"b": "\u00e9", "a": [1, None]}) == '{"a":[1,null],"b":"\u00e9"}'
    assert sha256({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert sha256("\ud800") != sha256("?")
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))


def test_the_digest_tells_texts_apart_that_look_alike() -> None:
    """Composed and decomposed letters are two texts."""
    assert sha256("\u00e9") != sha256("e\u0301")
