"""The ops hold approvals by themselves, and no launch can talk them out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import httpx
import pytest

from dagster_playbook.approval.asking import Wanted, approve, ask
from dagster_playbook.approval.canonical import canonical, restatement_scope, scope_digest, sha256
from dagster_playbook.approval.envelope import REFUSED_TAG, TAG, Envelope, Signed, encode
from dagster_playbook.approval.parts import Parts
from dagster_playbook.approval.policy import load_policy
from dagster_playbook.approval.signature import sign
from dagster_playbook.runbook.requests import make_trial_keys
from dagster_playbook.runbook.store import Store
from dagster_playbook.services.nessie import NessieClient

if TYPE_CHECKING:
    from sqlmesh import Context

TAG_OP, GARBAGE_OP = "nessie__assign_consumer_tag", "nessie__collect_garbage"
COMMITS = [f"{number:016x}" for number in range(9, 0, -1)]
ASKED = f"\n[ops.{TAG_OP}]\nreason = true\n"


@dataclass
class Nessie:
    """A branch of a few commits and the tag."""

    tag: str = COMMITS[-1]
    writes: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/trees").strip("/")
        if request.method != "GET":
            self.tag = json.loads(request.content)["hash"]
            self.writes.append(self.tag)
            return httpx.Response(200, json={"reference": self.reference("consumer")})
        if "/history" in path:
            log = [{"commitMeta": {"hash": one, "commitTime": "2026-11-02T08:05:00Z"}} for one in COMMITS]
            return httpx.Response(200, json={"hasMore": False, "logEntries": log})
        if "/diff/" in path:
            return httpx.Response(200, json={"hasMore": False, "diffs": []})
        return httpx.Response(200, json={"reference": self.reference(path)})

    def reference(self, name: str) -> dict[str, str]:
        is_tag = name == "consumer"
        return {"type": "TAG" if is_tag else "BRANCH", "name": name, "hash": self.tag if is_tag else COMMITS[0]}


@dataclass
class Deployment:
    """The tag job of a deployment with a policy of its own."""

    approvers: Path
    ledger: Path
    instance: dg.DagsterInstance
    server: Nessie = field(default_factory=Nessie)

    def move(self, config: dict[str, Any], tags: dict[str, str] | None = None, **more: Any) -> tuple[bool, str]:
        """Whether the tag was moved, and why not."""
        from oso_dagster.consumer_tag import NessieResource, assign_consumer_tag, consumer_tag_job
        from oso_dagster.fixed import fixed

        server = self.server

        class Served(NessieResource):
            def client(self) -> NessieClient:
                return NessieClient("http://nessie/api/v2", transport=httpx.MockTransport(server))

        resources = {"nessie": fixed(Served("http://nessie/api/v2", "main", "consumer", 1.0))}
        job = dg.Definitions([assign_consumer_tag], jobs=[consumer_tag_job], resources=resources).resolve_job_def(
            "nessie_consumer_tag_job"
        )
        result = job.execute_in_process(
            instance=self.instance,
            run_config={"ops": {TAG_OP: {"config": config}}, **more},
            tags=tags or {},
            raise_on_error=False,
        )
        self.run = self.instance.get_run_by_id(result.run_id)
        failed = [e.step_failure_data for e in result.all_events if e.is_step_failure]
        return result.success, failed[0].user_failure_data.description if failed else ""

    def key(self, name: str) -> Path:
        return self.approvers / name

    def ask_for(self, text: str) -> None:
        with self.key("roles.toml").open("a") as roles:
            roles.write(text)

    def approved(self, *scopes: str, reason: str = "", sources: tuple[str, ...] = (), **more: Any) -> Envelope:
        policy = load_policy(self.approvers)
        parts = Parts("runbooks/x.md", "", "embedded", scopes=tuple(scopes), sources=sources, **more)
        request = ask(Wanted(parts, {}, reason), self.key("requester"), policy)
        return approve(request, self.key("approver"), policy, hours=1, own=parts.digest)


def tags_of(envelope: Envelope) -> dict[str, str]:
    return {TAG: encode(envelope)}


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    approvers = make_trial_keys(Store(tmp_path))
    ledger = tmp_path / "ledger.jsonl"
    monkeypatch.setenv("PLAYBOOK_APPROVERS", str(approvers))
    monkeypatch.setenv("PLAYBOOK_LEDGER", str(ledger))
    for name in ("PLAYBOOK_TARGET", "PLAYBOOK_APPROVER_ROLE", "OSO_RESTATEMENT_APPROVAL"):
        monkeypatch.delenv(name, raising=False)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Deployment(approvers, ledger, instance)


@pytest.mark.parametrize(
    ("job", "resource", "config"),
    [
        ("nessie_consumer_tag_job", "nessie", {"branch": "mine"}),
        ("nessie_consumer_tag_job", "nessie", {"tag": "release"}),
        ("nessie_consumer_tag_job", "nessie", {"uri": "http://elsewhere/api/v2"}),
        ("nessie_garbage_collection_job", "nessie", {"branch": "mine"}),
        ("sqlmesh_all_assets", "sqlmesh", {"is_testing": True}),
    ],
)
def test_no_launch_overrides_a_resource(job: str, resource: str, config: dict[str, Any]) -> None:
    """Branch, tag, address and gateway are the deployment's; the launchpad's run is refused, and names the field."""
    from oso_dagster.definitions import defs

    with pytest.raises(dg.DagsterInvalidConfigError, match=f'unexpected config entry "{next(iter(config))}"'):
        dg.validate_run_config(defs.resolve_job_def(job), {"resources": {resource: {"config": config}}})


def test_an_overridden_branch_moves_nothing(deployment: Deployment) -> None:
    """The run does not even begin."""
    with pytest.raises(dg.DagsterInvalidConfigError, match='unexpected config entry "branch"'):
        deployment.move({"to_hash": COMMITS[3]}, resources={"nessie": {"config": {"branch": "mine"}}})
    assert deployment.server.writes == []


def test_another_gateway_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A launch may name the deployment's gateway and no other."""
    from oso_dagster.source_assets import WarehouseResource

    monkeypatch.setenv("DAGSTER_SQLMESH_GATEWAY", "duckdb")
    with pytest.raises(
        dg.Failure, match="the gateway is the deployment's, 'duckdb', and no launch may set it to 'trino'"
    ):
        WarehouseResource(gateway="trino").adapter()
    WarehouseResource(gateway="duckdb").adapter().close()


def test_no_resource_is_open_but_the_guarded_one() -> None:
    """A resource that is added later takes no run config, or holds it to the deployment's and joins this list."""
    from oso_dagster.definitions import defs

    open_ones = [
        name
        for name, resource in (defs.resources or {}).items()
        if not (
            isinstance(resource, dg.ResourceDefinition) and not resource.config_schema.as_field().config_type.fields
        )
    ]
    assert open_ones == ["warehouse"]


def test_a_promotion_needs_nobody_by_default(deployment: Deployment) -> None:
    """The committed policy names no op."""
    assert deployment.move({"to_hash": COMMITS[3]}) == (True, "")
    assert deployment.server.writes == [COMMITS[3]]


@pytest.mark.parametrize("target", [COMMITS[0], COMMITS[8]])
def test_a_promotion_under_a_policy_is_refused_without_approval(deployment: Deployment, target: str) -> None:
    """Forwards and back; the run says how to ask, and tells whoever launched it that nothing was spent."""
    deployment.server.tag = COMMITS[4]
    deployment.ask_for(ASKED)
    moved, why = deployment.move({"to_hash": target})
    assert not moved
    assert "the consumer tag would be moved, and the op nessie__assign_consumer_tag needs an approval" in why
    assert "playbook plan runbooks/promote-consumer.md --request" in why
    assert deployment.server.writes == []
    assert "needs an approval" in deployment.run.tags[REFUSED_TAG]
    assert deployment.run.tags["dagster/max_retries"] == "0"
    assert not deployment.ledger.exists()


def test_an_approved_promotion_moves_the_tag_once(deployment: Deployment) -> None:
    """To the commit that was approved and to no other, and not a second time."""
    deployment.ask_for(ASKED)
    envelope = deployment.approved(scope_digest(TAG_OP, {"to_hash": COMMITS[3]}), reason="verified")
    moved, why = deployment.move({"to_hash": COMMITS[2]}, tags_of(envelope))
    assert not moved
    assert "it does not cover this run's config" in why
    assert deployment.move({"to_hash": COMMITS[3]}, tags_of(envelope)) == (True, "")
    deployment.server.tag = COMMITS[5]
    moved, why = deployment.move({"to_hash": COMMITS[3]}, tags_of(envelope))
    assert not moved
    assert "it was used already" in why
    assert deployment.server.writes == [COMMITS[3]]


def test_nobody_approves_the_head_of_main(deployment: Deployment) -> None:
    """Where an approval is asked for, the commit has to be named: main may move until the job has its turn."""
    deployment.ask_for(ASKED)
    envelope = deployment.approved(scope_digest(TAG_OP, {"to_hash": ""}), reason="verified")
    moved, why = deployment.move({}, tags_of(envelope))
    assert not moved
    assert "to_hash has to name the commit" in why


def test_a_policy_that_cannot_be_read_moves_nothing(deployment: Deployment) -> None:
    """Nobody knows what it would ask for."""
    deployment.key("roles.toml").write_text("[")
    moved, why = deployment.move({"to_hash": COMMITS[3]})
    assert not moved
    assert "the policy cannot be read" in why


def test_deleting_files_under_a_policy_is_refused_without_approval(deployment: Deployment) -> None:
    """An approved dry run covers no deletion; without the policy's word nobody is asked."""
    from oso_dagster.approval import ApprovalRefusedError, refuse_or_allow_deletion

    assert refuse_or_allow_deletion({"dry_run": False}, GARBAGE_OP, {}, "run-1") is None
    deployment.ask_for(f"\n[ops.{GARBAGE_OP}]\n")
    with pytest.raises(ApprovalRefusedError, match=r"files would be deleted, and the op .* needs an approval"):
        refuse_or_allow_deletion({"dry_run": False}, GARBAGE_OP, {}, "run-1")
    dry = tags_of(deployment.approved(scope_digest(GARBAGE_OP, {})))
    with pytest.raises(ApprovalRefusedError, match="it does not cover this run's config"):
        refuse_or_allow_deletion({"dry_run": False}, GARBAGE_OP, dry, "run-1")
    wet = tags_of(deployment.approved(scope_digest(GARBAGE_OP, {"dry_run": False})))
    assert refuse_or_allow_deletion({"dry_run": False}, GARBAGE_OP, wet, "run-1")


@pytest.fixture
def asked(mesh: Context) -> Callable[..., Any]:
    """The op's question whether it may restate one model."""
    from oso_dagster.approval import project_fingerprint, refuse_or_allow
    from oso_dagster.config import SQLMeshRunConfig
    from oso_dagster.restatement import Restatement

    def ask_op(tags: dict[str, str], models: str = "oso.a", loaded: str = "") -> Any:
        config = SQLMeshRunConfig(restate_models=[models])
        restatement = Restatement((models,), ("oso.a",), ("oso.a",))
        run = ("sqlmesh_project", tags, "run-1")
        return refuse_or_allow(restatement, config, *run, loaded=loaded or project_fingerprint())

    return ask_op


def _scope(models: str = "oso.a") -> str:
    return restatement_scope("sqlmesh_project", {"restate_models": [models]}, ["oso.a"])


def test_an_approved_restatement_is_admitted(deployment: Deployment, asked: Callable[..., Any]) -> None:
    """The op works out the same scope and the same fingerprint as the plan did."""
    from oso_dagster.approval import project_fingerprint

    envelope = deployment.approved(_scope(), sources=(project_fingerprint(),))
    assert asked(tags_of(envelope)).approver == "approver@localhost"


def test_a_source_edited_behind_the_approval_is_refused_by_the_op(
    deployment: Deployment, asked: Callable[..., Any]
) -> None:
    """The project that the op loads is not the approved one, and nothing is spent."""
    from oso_dagster.approval import RestatementRefusedError

    envelope = deployment.approved(_scope(), sources=("0" * 64,))
    with pytest.raises(RestatementRefusedError, match="a source of the SQLMesh project has changed since it was"):
        asked(tags_of(envelope))
    assert not deployment.ledger.exists()


def test_a_source_edited_while_it_was_loaded_is_refused(deployment: Deployment, asked: Callable[..., Any]) -> None:
    """Nobody knows which of the two was loaded."""
    from oso_dagster.approval import RestatementRefusedError

    with pytest.raises(RestatementRefusedError, match="a source of the SQLMesh project has changed while it was"):
        asked(tags_of(deployment.approved(_scope(), sources=("0" * 64,))), loaded="0" * 64)


def test_forged_scopes_are_refused_by_the_op(deployment: Deployment, asked: Callable[..., Any]) -> None:
    """The honest digest and text of one model with the scopes of all, signed by both, restates nothing."""
    from oso_dagster.approval import RestatementRefusedError, project_fingerprint

    honest = deployment.approved(_scope(), sources=(project_fingerprint(),))
    payload = json.loads(honest.request.payload)
    parts = {**payload["parts"], "scopes": [_scope(), _scope("oso.*")]}
    text = canonical({**payload, "parts": parts})
    approval = canonical({**json.loads(honest.approvals[0].payload), "request": sha256(text)})
    forged = Envelope(
        Signed(text, sign(text, deployment.key("requester"))),
        (Signed(approval, sign(approval, deployment.key("approver"))),),
    )
    with pytest.raises(RestatementRefusedError, match="the request's digest is not the digest of what it says"):
        asked(tags_of(forged), "oso.*")
    with pytest.raises(RestatementRefusedError, match="it does not cover this run's config"):
        asked(tags_of(honest), "oso.*")
