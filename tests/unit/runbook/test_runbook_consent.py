"""From the request to the run on the command line: the approver's own plan, what the policy asks, what has changed."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.approval.asking import Wanted, approve, ask
from dagster_playbook.approval.canonical import canonical, sha256
from dagster_playbook.approval.envelope import REFUSED_TAG, TAG, Envelope, Signed, from_dict
from dagster_playbook.approval.parts import Parts, parts_of
from dagster_playbook.approval.policy import load_policy
from dagster_playbook.approval.signature import sign
from dagster_playbook.cli import main
from dagster_playbook.runbook import execute, session
from dagster_playbook.runbook.consent import rules_of
from dagster_playbook.runbook.fingerprints import code_digest, project_digests, versions
from dagster_playbook.runbook.plan import load_runbook, make_plan, steps_digest
from dagster_playbook.services.dagster_runs import DagsterRun, Launch
from dagster_playbook.settings import load_settings

PROJECT = Path(__file__).parents[3]
SETTINGS = """[tool.playbook]
pages = ["runbooks"]
[[tool.playbook.sqlmesh]]
path = "mesh"
[[tool.playbook.restatement]]
op = "sqlmesh_project"
models = "restate_models"
"""
PAGE = """---
title: Write it down
runbook:
  owner: on-call
  risk: high
  parameters:
    word:
      type: string
      example: apple
      help: What is written.
    token:
      type: string
      help: A key.
      secret: true
      default: none
---

# Write it down

```sh {#looked changes="nothing"}
cat ready
```

```sh {#keyed changes="nothing"}
test -n {{ token }}
```

```sh {#written approve="approver" no_undo="Nobody misses it."}
touch {{ word }}
```
"""
ARGUMENTS = ("runbooks/page.md", "-p", "word=apple")


@dataclass
class Desk:
    """A checkout and the command line on it."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def say(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and everything that was printed."""
        code = 0
        try:
            main([*arguments, "--project", str(self.root)])
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        out, err = self.capsys.readouterr()
        return code, out + err

    def key(self, name: str) -> Path:
        return self.root / ".playbook" / "approvers" / name

    def asked(self, *more: str) -> str:
        """The digest of a request that was signed."""
        code, said = self.say("plan", *ARGUMENTS, "--request", "--key", str(self.key("requester")), *more)
        assert code == 0, said
        return next(path for path in self.kept() if path.stem in said).stem

    def approve(self, digest: str, *more: str, by: str = "approver") -> tuple[int, str]:
        return self.say("approve", digest, "--yes", "--key", str(self.key(by)), *more)

    def run(self, *more: str) -> tuple[int, str]:
        return self.say("run", *ARGUMENTS, *more)

    def kept(self) -> list[Path]:
        return sorted((self.root / ".playbook" / "approvals").glob("*.json"))

    def envelope(self, digest: str) -> Envelope:
        return from_dict(json.loads((self.root / f".playbook/approvals/{digest}.json").read_text()))

    def keep(self, digest: str, envelope: Envelope) -> None:
        (self.root / f".playbook/approvals/{digest}.json").write_text(json.dumps(envelope.as_dict()))

    def add_policy(self, text: str) -> None:
        with (self.key("roles.toml")).open("a") as roles:
            roles.write(text)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name in ("PLAYBOOK_APPROVERS", "PLAYBOOK_TARGET", "DAGSTER_WEBSERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "checkout"
    (root / "runbooks").mkdir(parents=True)
    (root / "mesh" / "models").mkdir(parents=True)
    (root / "pyproject.toml").write_text(SETTINGS)
    (root / "runbooks" / "page.md").write_text(PAGE)
    (root / "mesh" / "models" / "a.sql").write_text("MODEL (name a.a); SELECT 1;")
    (root / "ready").touch()
    desk = Desk(root, capsys)
    assert desk.say("approve", "--try-out")[0] == 0
    yield desk


def _forged(desk: Desk, digest: str, **parts: Any) -> Envelope:
    """The kept request with other parts under its honest digest, signed by the requester."""
    payload = json.loads(desk.envelope(digest).request.payload)
    text = canonical({**payload, "parts": {**payload["parts"], **parts}})
    return Envelope(Signed(text, sign(text, desk.key("requester"))))


def _other(desk: Desk, digest: str, **parts: Any) -> Envelope:
    """A request with other parts and the digest that belongs to them, but the text of the honest one."""
    payload = json.loads(desk.envelope(digest).request.payload)
    changed = dataclasses.replace(parts_of(payload), **parts)
    return ask(Wanted(changed, payload["about"]), desk.key("requester"), load_policy(desk.key("")))


def test_asked_approved_and_run_once(desk: Desk) -> None:
    """Two people sign, the step runs, and the approval is used up."""
    assert "needs an approval (approver)" in desk.run()[1]
    digest = desk.asked()
    assert "0 of 1 approvals by the role 'approver' are there" in desk.run()[1]
    code, said = desk.approve(digest[:12])
    assert code == 0, said
    assert '"word": "apple"' in said
    assert "asked for by requester@localhost" in said
    code, said = desk.run()
    assert code == 0, said
    assert "approved by approver@localhost, asked for by requester@localhost" in said
    assert (desk.root / "apple").exists()
    code, said = desk.run()
    assert code == 1
    assert "it was used already" in said


def test_a_page_that_was_edited_is_not_approved(desk: Desk) -> None:
    """The approver's own checkout plans it anew, and names what differs."""
    digest = desk.asked()
    page = desk.root / "runbooks" / "page.md"
    page.write_text(PAGE + "\nA last word.\n")
    code, said = desk.approve(digest)
    assert code == 1
    assert "this checkout makes another plan of it: different are the runbook's text;" in said
    assert desk.envelope(digest).approvals == ()


def test_what_a_page_includes_is_held_too(desk: Desk) -> None:
    """A step that stands in an included file is part of the plan, though the page's own text says only its name."""
    (desk.root / "step.md").write_text('```sh {#more approve="approver" no_undo="x"}\ntouch pear\n```\n')
    (desk.root / "runbooks" / "page.md").write_text(PAGE + '\n--8<-- "step.md"\n')
    digest = desk.asked()
    (desk.root / "step.md").write_text('```sh {#more approve="approver" no_undo="x"}\ntouch plum\n```\n')
    code, said = desk.approve(digest)
    assert code == 1
    assert "different are the runbook's steps;" in said


def test_other_sources_are_not_approved(desk: Desk) -> None:
    """A model that the approver's checkout has otherwise."""
    digest = desk.asked()
    (desk.root / "mesh" / "models" / "a.sql").write_text("MODEL (name a.a); SELECT 2;")
    code, said = desk.approve(digest)
    assert code == 1
    assert "different are the SQLMesh project's sources;" in said


def test_forged_scopes_are_refused_at_approve(desk: Desk) -> None:
    """An honest digest and text with the scopes of more, signed by the requester, is not even looked at."""
    digest = desk.asked()
    desk.keep(digest, _forged(desk, digest, scopes=["the scope of every model"]))
    code, said = desk.approve(digest)
    assert code == 1
    assert "the request's digest is not the digest of what it says" in said


def test_scopes_of_more_than_is_shown_are_refused_at_approve(desk: Desk) -> None:
    """With a digest of its own such a request is another plan than the approver's checkout makes of it."""
    envelope = _other(desk, desk.asked(), scopes=("the scope of every model",))
    digest = json.loads(envelope.request.payload)["digest"]
    desk.keep(digest, envelope)
    code, said = desk.approve(digest)
    assert code == 1
    assert "different are what the runs may do (their scopes);" in said


@pytest.mark.parametrize("has_own_digest", [False, True])
def test_forged_scopes_are_refused_at_run(desk: Desk, has_own_digest: bool) -> None:
    """Even when an approver has signed them, unseen: the digest is not theirs, or not that of the plan."""
    digest = desk.asked()
    scopes = ("the scope of every model",)
    honest = desk.envelope(digest)
    forged = _other(desk, digest, scopes=scopes) if has_own_digest else _forged(desk, digest, scopes=list(scopes))
    approved = _signed_unseen(desk, forged, honest)
    desk.keep(digest, approved)
    code, said = desk.run()
    assert code == 1
    reason = "it is for another plan" if has_own_digest else "the request's digest is not the digest of what it says"
    assert reason in said
    assert not (desk.root / "apple").exists()


def _signed_unseen(desk: Desk, forged: Envelope, honest: Envelope) -> Envelope:
    """The approver's signature under whatever it is."""
    policy = load_policy(desk.key(""))
    own = json.loads(honest.request.payload)["digest"]
    approval = approve(honest, desk.key("approver"), policy, hours=1, own=own).approvals[0]
    digest = json.loads(forged.request.payload)["digest"]
    changed = json.loads(approval.payload) | {"request": sha256(forged.request.payload), "digest": digest}
    text = canonical(changed)
    return Envelope(forged.request, (Signed(text, sign(text, desk.key("approver"))),))


def test_words_that_the_plan_does_not_say_are_refused(desk: Desk) -> None:
    """What the request shows is held to what the approver's checkout would show."""
    digest = desk.asked()
    payload = json.loads(desk.envelope(digest).request.payload)
    payload["about"]["title"] = "Something harmless"
    text = canonical(payload)
    desk.keep(digest, Envelope(Signed(text, sign(text, desk.key("requester")))))
    code, said = desk.approve(digest)
    assert code == 1
    assert "different are what it shows as 'title';" in said


def test_a_request_for_another_platform_is_refused(desk: Desk) -> None:
    """It says for which, and how to approve it there."""
    digest = desk.asked()
    code, said = desk.approve(digest, "--target", "production")
    assert code == 2
    assert "no policy in runbooks/approvers" in said
    assert desk.envelope(digest).approvals == ()
    envelope = _other(desk, digest, target="production")
    other = json.loads(envelope.request.payload)["digest"]
    desk.keep(other, envelope)
    code, said = desk.approve(other)
    assert code == 1
    assert "it is for the platform 'production', and this is 'embedded': give --target production" in said


def test_a_checkout_that_cannot_plan_signs_nothing(desk: Desk) -> None:
    """It says why and what to do: there is no falling back to what the requester wrote."""
    page = PAGE.replace('```sh {#written approve="approver"', '```yaml {#written job="all" approve="approver"')
    body = 'ops:\n  sqlmesh_project:\n    config:\n      restate_models: ["{{ word }}"]'
    (desk.root / "runbooks" / "page.md").write_text(page.replace("touch {{ word }}", body))
    code, said = desk.say("plan", *ARGUMENTS)
    assert code == 2
    settings = load_settings(desk.root)
    runbook, text_sha256 = load_runbook(desk.root, "runbooks/page.md", settings.meanings)
    parts = Parts(
        "runbooks/page.md",
        text_sha256,
        "embedded",
        steps=steps_digest(runbook),
        parameters={"word": "apple", "token": "[secret]"},
        versions=versions(),
        platform=code_digest(settings),
        sources=project_digests(settings),
    )
    envelope = ask(Wanted(parts, {}), desk.key("requester"), load_policy(desk.key("")))
    (desk.root / ".playbook" / "approvals").mkdir(exist_ok=True)
    desk.keep(parts.digest, envelope)
    code, said = desk.approve(parts.digest)
    assert code == 2
    assert "this checkout cannot plan it, so nothing is signed:" in said
    assert "cure: " in said
    assert desk.envelope(parts.digest).approvals == ()


def test_a_source_edited_behind_the_approval_stops_the_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edited before the run it is another plan; edited while the run waits, the approved step is refused."""
    desk.approve(desk.asked())
    model = desk.root / "mesh" / "models" / "a.sql"
    text = model.read_text()
    model.write_text(text + "-- edited")
    assert "this plan needs an approval" in desk.run()[1]
    model.write_text(text)
    real = execute.perform

    def edit_meanwhile(step: Any, *arguments: Any, **options: Any) -> Any:
        model.write_text(text + "-- edited")
        return real(step, *arguments, **options)

    monkeypatch.setattr(execute, "perform", edit_meanwhile)
    code, said = desk.run()
    assert code == 1
    assert "a source of a SQLMesh project has changed since it was approved: put it back, or ask anew" in said
    assert not (desk.root / "apple").exists()


def _cut(desk: Desk, *more: str) -> None:
    """A run that failed before its approved step, and whose cause is gone."""
    (desk.root / "ready").unlink()
    code, said = desk.run(*more)
    assert code == 1, said
    (desk.root / "ready").touch()


CHANGES = {
    "mesh/models/a.sql": "a source of a SQLMesh project has changed since it was approved",
    "mesh/models/new.sql": "a source of a SQLMesh project has changed since it was approved",
    "runbooks/page.md": "the runbook's text has changed since the run began",
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_source_edited_behind_the_approval_stops_the_resumption(desk: Desk, path: str) -> None:
    """Resume holds the approval to the sources as they are now; put back, the run goes on."""
    desk.approve(desk.asked())
    _cut(desk)
    file = desk.root / path
    before = file.read_text() if file.exists() else None
    file.write_text((before or "") + "\n-- edited\n")
    code, said = desk.say("resume")
    assert code in (1, 2)
    assert CHANGES[path] in said
    assert not (desk.root / "apple").exists()
    if before is None:
        file.unlink()
    else:
        file.write_text(before)
    code, said = desk.say("resume")
    assert code == 0, said


def test_a_rejected_request_is_neither_approved_nor_run(desk: Desk) -> None:
    """Whoever tries is told why, also when the rejection was taken out of the file; asking anew is possible."""
    digest = desk.asked()
    desk.approve(digest)
    before = desk.envelope(digest)
    code, said = desk.say("reject", digest, "--key", str(desk.key("approver")), "--reason", "wait for the fix")
    assert code == 0, said
    for code, said in (desk.run(), desk.approve(digest)):
        assert code == 1
        assert "approver@localhost has rejected it: wait for the fix" in said
    desk.keep(digest, before)
    for code, said in (desk.run(), desk.approve(digest)):
        assert code == 1
        assert "it was rejected: wait for the fix" in said
    desk.approve(desk.asked())
    assert desk.run()[0] == 0


def test_a_rejection_needs_its_reason_and_key(desk: Desk) -> None:
    """Neither is guessed."""
    digest = desk.asked()
    assert desk.say("reject", digest, "--key", str(desk.key("approver")))[0] == 2
    assert desk.say("reject", digest, "--reason", "x")[0] == 2
    assert desk.say("reject", digest, "--reason", " ", "--key", str(desk.key("approver")))[0] == 1
    assert desk.envelope(digest).rejection is None


def test_a_rejection_while_the_run_waits_stops_it(desk: Desk) -> None:
    """It is looked at again before the approved step."""
    digest = desk.asked()
    desk.approve(digest)
    _cut(desk)
    desk.say("reject", digest, "--key", str(desk.key("approver")), "--reason", "wait")
    code, said = desk.say("resume")
    assert code == 1
    assert "approver@localhost has rejected it: wait" in said


def test_a_secret_is_approved_by_its_value_and_kept_nowhere(desk: Desk) -> None:
    """Another value at the run or at the resumption is another plan; the approver gives it too, or signs nothing."""
    digest = desk.asked("-p", "token=hunter22")
    code, said = desk.approve(digest)
    assert code == 2
    assert "the value of token is secret and not in the request" in said
    code, said = desk.approve(digest, "-p", "token=other")
    assert code == 1
    assert "different are the secret values;" in said
    assert desk.approve(digest, "-p", "token=hunter22")[0] == 0
    assert "needs an approval" in desk.run("-p", "token=other")[1]
    _cut(desk, "-p", "token=hunter22")
    code, said = desk.say("resume", "-p", "token=other")
    assert code == 1
    assert "the value of a secret has changed since it was approved" in said
    assert desk.say("resume", "-p", "token=hunter22")[0] == 0
    kept = b"".join(p.read_bytes() for p in (desk.root / ".playbook").rglob("*") if p.is_file())
    assert b"hunter22" not in kept


def test_a_policy_may_ask_for_two_and_a_reason(desk: Desk) -> None:
    """For a step's op, beside what the page says; the command line holds it like the op."""
    page = PAGE.replace('```sh {#written approve="approver"', '```yaml {#written job="all"')
    body = 'ops:\n  write:\n    config:\n      word: "{{ word }}"'
    (desk.root / "runbooks" / "page.md").write_text(page.replace("touch {{ word }}", body))
    code, said = desk.run()
    assert code == 2
    assert "no Dagster code location" in said
    desk.add_policy("\n[ops.write]\napprovals = 2\nreason = true\n")
    code, said = desk.run()
    assert code == 1
    assert "this plan needs an approval (approver)" in said
    request = ("plan", *ARGUMENTS, "--request", "--key", str(desk.key("requester")))
    code, said = desk.say(*request)
    assert code == 1
    assert "the policy asks for a reason: give --reason TEXT" in said
    digest = desk.asked("--reason", "a bug")
    code, said = desk.approve(digest)
    assert code == 0, said
    assert "a bug" in said
    code, said = desk.run()
    assert code == 1
    assert "1 of 2 approvals by the role 'approver' are there" in said


@dataclass
class Platform:
    """A Dagster whose runs end as the test says."""

    endings: list[DagsterRun]
    launched: list[Launch] = field(default_factory=list)

    def launch(self, launch: Launch, *_: Any, **__: Any) -> DagsterRun:
        self.launched.append(launch)
        return self.endings.pop(0)


REFUSED = {REFUSED_TAG: "the op's policy asks for two"}
SUCCESS = DagsterRun("r9", "all", "SUCCESS", root_run_id="r9")


def _job_desk(desk: Desk, monkeypatch: pytest.MonkeyPatch, *endings: DagsterRun) -> Platform:
    page = PAGE.replace('```sh {#written approve="approver"', '```yaml {#written job="all" approve="approver"')
    body = 'ops:\n  write:\n    config:\n      word: "{{ word }}"'
    (desk.root / "runbooks" / "page.md").write_text(page.replace("touch {{ word }}", body))
    platform = Platform(list(endings))
    monkeypatch.setattr(session, "open_dagster", lambda *_: platform)
    desk.approve(desk.asked())
    return platform


def test_an_approval_that_only_the_op_refuses_is_not_spent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was done under it, so another run may use it, once; the journal says so."""
    platform = _job_desk(desk, monkeypatch, DagsterRun("r1", "all", "FAILURE", tags=REFUSED, root_run_id="r1"), SUCCESS)
    assert desk.run()[0] == 1
    journal = next((desk.root / ".playbook" / "runs").glob("*/journal.jsonl")).read_text()
    assert "the op's policy asks for two" in journal
    assert "it can be used again" in journal
    assert desk.run()[0] == 0
    assert [TAG in launch.tags for launch in platform.launched] == [True, True]
    code, said = desk.run()
    assert code == 1
    assert "it was used already" in said


@pytest.mark.parametrize(
    "ending",
    [
        DagsterRun("r1", "all", "FAILURE", root_run_id="r1"),
        DagsterRun("r2", "all", "FAILURE", tags=REFUSED, root_run_id="r1"),
    ],
)
def test_an_approval_under_which_something_was_done_stays_spent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ending: DagsterRun
) -> None:
    """A run that failed after it was admitted, or the refused re-execution of one that was."""
    _job_desk(desk, monkeypatch, ending, SUCCESS)
    assert desk.run()[0] == 1
    code, said = desk.run()
    assert code == 1
    assert "it was used already" in said


def test_what_is_approved_is_shown_as_it_is(desk: Desk) -> None:
    """Letters that look like others and escapes of the terminal are spelled out to whoever is about to sign."""
    word = "\u0430pple"
    code, said = desk.say(
        "plan", ARGUMENTS[0], "-p", f"word={word}", "--request", "--key", str(desk.key("requester")),
        "--reason", "fine\x1b[2Jall is well",
    )  # fmt: skip
    assert code == 0, said
    code, said = desk.approve(desk.kept()[0].stem)
    assert code == 0, said
    assert r'"word": "\u0430pple"' in said
    assert r'"fine\u001b[2Jall is well"' in said


def test_an_approver_of_no_role_is_told_at_once(desk: Desk) -> None:
    """Nothing is signed that could not help."""
    desk.key("roles.toml").write_text('[roles]\napprover = ["nobody@localhost"]\n')
    digest = desk.asked()
    code, said = desk.approve(digest)
    assert code == 1
    assert "approver@localhost does not have the role 'approver'" in said


@pytest.mark.parametrize("name", ["promote-consumer.md", "rollback-consumer.md"])
def test_a_promotion_is_refused_where_the_policy_asks(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """By the committed default it needs nobody; where the policy names the op, nothing of the runbook starts."""
    for variable in ("TRINO_HOST", "NESSIE_URI"):
        monkeypatch.setenv(variable, "127.0.0.1")
    shutil.copy(PROJECT / "runbooks" / name, desk.root / "runbooks")
    arguments = (f"runbooks/{name}", "-p", f"commit={'a' * 64}")
    plan = make_plan(load_settings(desk.root), arguments[0], [arguments[2]], target="embedded")
    assert rules_of(plan, load_policy(PROJECT / "runbooks" / "approvers")) == []
    desk.add_policy("\n[ops.nessie__assign_consumer_tag]\n")
    code, said = desk.say("run", *arguments)
    assert code == 1
    assert "this plan needs an approval (approver)" in said
    assert not (desk.root / ".playbook" / "runs").exists()


def _git(root: Path, *arguments: str) -> None:
    command = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def committed(desk: Desk) -> Desk:
    """The policy of a platform that is not the embedded one, committed."""
    shutil.copytree(desk.key(""), desk.root / "runbooks" / "approvers", ignore=shutil.ignore_patterns("*er", "*.pub"))
    _git(desk.root, "init", "-q")
    _git(desk.root, "add", "runbooks")
    _git(desk.root, "commit", "-q", "-m", "begin")
    return desk


def test_the_committed_policy_counts(committed: Desk) -> None:
    """For a platform that is not one's own, as the last commit has it."""
    digest = committed.asked("--target", "production")
    code, said = committed.approve(digest, "--target", "production")
    assert code == 0, said
    assert committed.run("--target", "production")[0] == 0


@pytest.mark.parametrize("name", ["roles.toml", "allowed_signers"])
def test_an_edited_policy_is_refused(committed: Desk, name: str) -> None:
    """Whatever git was told about the file; the embedded platform has its own."""
    file = committed.root / "runbooks" / "approvers" / name
    _git(committed.root, "update-index", "--assume-unchanged", f"runbooks/approvers/{name}")
    file.write_text(file.read_text() + "\n# mine\n")
    code, said = committed.run("--target", "production")
    assert code == 2
    assert f"runbooks/approvers/{name}: it is not as the last commit has it" in said
    assert "cure: have the change reviewed and commit it" in said
    assert "this plan needs an approval" in committed.run()[1]


def test_a_policy_outside_git_is_refused(committed: Desk) -> None:
    """Nobody knows what was reviewed of it."""
    shutil.rmtree(committed.root / ".git")
    code, said = committed.run("--target", "production")
    assert code == 2
    assert "is in no git checkout with a commit" in said


def test_a_project_without_a_policy_is_told(desk: Desk) -> None:
    """A step that needs an approval cannot run, and the way to a policy is named."""
    code, said = desk.run("--target", "production")
    assert code == 2
    assert "there is no policy that says who may give one" in said
