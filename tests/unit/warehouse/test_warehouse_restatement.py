"""What a run configuration restates is decided before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sqlmesh import Context


def config(**fields: Any) -> Any:
    from oso_dagster.config import SQLMeshRunConfig

    return SQLMeshRunConfig(**fields)


@pytest.fixture
def planned(mesh: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    """The context as if production held every model."""
    from oso_dagster import restatement

    monkeypatch.setattr(restatement, "in_environment", lambda context, environment: set(context.models))
    return mesh


def resolved(context: Context, **fields: Any) -> Any:
    from oso_dagster.restatement import resolve

    return resolve(context, config(**fields), "prod")


REFUSED = [
    ({"restate_models": ["oso.nope"]}, "'oso.nope' matches no model"),
    ({"restate_models": ["oso.projects_v1", "oso.project_v1"]}, "'oso.project_v1' matches no model"),
    ({"restate_models": ["projects_v1"]}, "'projects_v1' matches no model"),
    ({"restate_models": ["tag:+x"]}, "'tag:+x' is not a selector"),
    ({"restate_models": [""]}, "'' is not a selector"),
    ({"restate_models": []}, "restate_models is an empty list"),
    ({"restate_models": ["oso.seed_collections"]}, "only models that SQLMesh never restates"),
    ({"restate_models": ["oso.int_projects_history"]}, "only models that SQLMesh never restates"),
    (
        {"restate_by_entity_category": True, "restate_entity_categories": ["projekt"]},
        "no model has the category projekt",
    ),
    (
        {"restate_by_entity_category": True, "restate_entity_categories": []},
        "restate_entity_categories is an empty list",
    ),
    ({"restate_entity_categories": ["project"]}, "restate_by_entity_category is false"),
    ({"start": "2026-01-01"}, "start and end need a restatement"),
    ({"restate_on_branch": True}, "restate_on_branch needs a restatement"),
    ({"use_dev_environment": True, "restate_models": ["oso.projects_v1"]}, "cannot go with a restatement"),
    ({"allow_destructive_models": ["oso.nope"]}, "'oso.nope' matches no model"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_refused(planned: Context, fields: dict[str, Any], message: str) -> None:
    """What cannot be meant is refused, with the entry or option named."""
    from oso_dagster.restatement import RestatementError

    with pytest.raises(RestatementError) as caught:
        resolved(planned, **fields)
    assert message in str(caught.value)


def test_every_problem_is_named(planned: Context) -> None:
    """One error lists every unknown entry, so that one edit mends them all."""
    from oso_dagster.restatement import RestatementError

    with pytest.raises(RestatementError) as caught:
        resolved(planned, restate_models=["oso.a", "oso.b"], restate_entity_categories=["project"])
    assert all(word in str(caught.value) for word in ("oso.a", "oso.b", "restate_entity_categories"))


def test_no_restatement(planned: Context) -> None:
    """A configuration without restatement options restates nothing."""
    assert resolved(planned) is None


def test_flag_without_list_means_both_categories(planned: Context) -> None:
    """The flag alone restates project and collection."""
    assert resolved(planned, restate_by_entity_category=True).entries == (
        "tag:entity_category=project",
        "tag:entity_category=collection",
    )


def test_category_selects_by_tag(planned: Context) -> None:
    """A category selects exactly the models that carry its tag."""
    tagged = {m.name for m in planned.models.values() if "entity_category=collection" in m.tags}
    found = resolved(planned, restate_by_entity_category=True, restate_entity_categories=["collection"])
    assert len(tagged) >= 5
    assert set(found.models) == tagged


def test_downstream_is_affected(planned: Context) -> None:
    """Everything downstream of a selected model is affected, in topological order, and nothing else."""
    found = resolved(planned, restate_models=["oso.int_events_daily_to_project"])
    assert found.models == ("oso.int_events_daily_to_project",)
    assert found.affected[0] == "oso.int_events_daily_to_project"
    assert set(found.affected) == {
        "oso.int_events_daily_to_project",
        "oso.int_events_monthly_to_project",
        "oso.metrics_v0",
        "oso.timeseries_metrics_by_project_v0",
        "oso.timeseries_metrics_by_collection_v0",
        "oso.key_metrics_by_project_v0",
        "oso.key_metrics_by_collection_v0",
    }


def test_selectors_are_sqlmeshs_own(planned: Context) -> None:
    """Wildcards, upstream marks and tags work as in `sqlmesh plan --restate-model`."""
    wild = resolved(planned, restate_models=["oso.stg_git__*"])
    assert wild.models == ("oso.stg_git__commit_files", "oso.stg_git__commits")
    upstream = resolved(planned, restate_models=["+oso.int_events__git_commits"])
    assert "oso.stg_git__commits" in upstream.models


def test_nothing_was_planned(mesh: Context) -> None:
    """A model that production does not hold cannot be restated; the message says what to run first."""
    from oso_dagster.restatement import RestatementError

    with pytest.raises(RestatementError, match=r"prod does not hold oso\.projects_v1; run sqlmesh_all_assets first"):
        resolved(mesh, restate_models=["oso.projects_v1"])


def test_a_restatement_without_an_approval_is_refused(planned: Context) -> None:
    """The launchpad is no way around: a run whose tags carry no approval restates nothing."""
    from oso_dagster.approval import RestatementRefusedError, project_fingerprint, refuse_or_allow
    from oso_dagster.config import SQLMeshRunConfig

    restatement = resolved(planned, restate_models=["oso.projects_v1"])
    config = SQLMeshRunConfig(restate_models=["oso.projects_v1"])
    with pytest.raises(RestatementRefusedError, match="needs an approval, and this run carries none"):
        refuse_or_allow(restatement, config, "sqlmesh_project", {}, "run-1", loaded=project_fingerprint())
    with pytest.raises(RestatementRefusedError, match="not an approval"):
        refuse_or_allow(
            restatement, config, "sqlmesh_project", {"playbook/approval": "yes"}, "run-1", loaded=project_fingerprint()
        )
