"""A run's record: whatever is changed afterwards is told, for its own reason and by the authority that knows it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dagster_playbook.cli.runs import command
from dagster_playbook.errors import PlatformError, RunbookError
from dagster_playbook.runbook.evidence import look_at
from dagster_playbook.runbook.journal import FILE_NAME, HEAD_NAME, Journal
from dagster_playbook.runbook.verification import Outside, read_outside, verify_runs
from dagster_playbook.services.dagster_runs import DagsterRun

Lines = list[dict[str, Any]]


def said_otherwise(lines: Lines) -> Lines:
    """The second step has given something else."""
    lines[-2]["data"]["result"]["output"] = "what never was"
    return lines


def rewritten_files(project: Any, run: str) -> None:
    """Evidence edited, and the journal rewritten so that it fits."""
    file = next((project.folder(run) / "evidence").glob("*-two.json"))
    file.write_text(file.read_text().replace("two", "what never was"))
    said = {"size": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}

    def fitting(lines: Lines) -> Lines:
        data = said_otherwise(lines)[-2]["data"]
        data["evidence_sha256"] = said["sha256"]
        data["files"] |= {f"evidence/{file.name}": said}
        return lines

    project.rewrite(run, fitting)


def test_a_run_that_nobody_touched_holds(project: Any) -> None:
    """Journal and index agree, and it is said that nothing else vouches for them."""
    run = project.run()
    report = project.verify()[run]
    assert (report.verdict, report.problems, report.unchecked) == ("as it was written", [], [])
    assert report.checked == {"journal": "8 lines, 5 files", "index": "up to line 8 of the journal"}
    assert report.notes == [
        "neither a signature nor a Dagster run vouches for it: who writes here can rewrite it whole"
    ]


def test_a_journal_rewritten_as_a_whole_is_told_by_the_index(project: Any) -> None:
    """A chain that fits in itself is not the one whose end the index knows."""
    run = project.run()
    rewritten_files(project, run)
    report = project.verify()[run]
    assert report.problems == ["line 2 of runs.jsonl knows another line 8 of the journal: it was rewritten"]


def test_lines_taken_off_the_end_with_the_head_are_told_by_the_index(project: Any) -> None:
    """A journal cut short, its head rewritten and the files of the cut lines deleted, misses a line the index knows."""
    run = project.run()
    project.rewrite(run, lambda lines: lines[:3])
    next((project.folder(run) / "evidence").glob("*-two.json")).unlink()
    report = project.verify()[run]
    assert report.problems == ["line 2 of runs.jsonl knows another line 8 of the journal: it was rewritten"]


def test_a_deleted_folder_is_told_by_the_index(project: Any) -> None:
    """The index says when the run began whose folder is gone."""
    first, second = project.run(), project.run()
    shutil.rmtree(project.folder(first))
    found = project.verify(first, second)
    assert "its folder is missing: it was opened on " in found[first].problems[0]
    assert found[first].problems[0].endswith("says line 1 of runs.jsonl")
    assert found[second].problems == []


def test_a_deleted_folder_is_verified_without_being_named(project: Any) -> None:
    """The command looks at every run of the index, whether it has a folder or not."""
    run = project.run()
    shutil.rmtree(project.folder(run))
    done = CliRunner().invoke(command, ["verify", "--project", str(project.root)])
    assert done.exit_code == 1
    assert f"{run}  changed" in done.output
    assert "its folder is missing" in done.output


def edit_page(folder: Path) -> None:
    (folder / "runbook.md").write_text("# Another page\n")


def exchange_evidence(folder: Path) -> None:
    one, two = sorted((folder / "evidence").iterdir())
    texts = one.read_text(), two.read_text()
    one.write_text(texts[1])
    two.write_text(texts[0])


def link_page(folder: Path) -> None:
    shutil.copy(folder / "runbook.md", folder.parent.parent / "copy.md")
    (folder / "runbook.md").unlink()
    (folder / "runbook.md").symlink_to(folder.parent.parent / "copy.md")


CHANGES: dict[str, tuple[Callable[[Path], Any], list[str]]] = {
    "a page swapped": (edit_page, ["runbook.md was edited"]),
    "a page taken away": (lambda folder: (folder / "runbook.md").unlink(), ["runbook.md is missing"]),
    "a page that is a link now": (link_page, ["runbook.md was edited"]),
    "a log edited": (lambda folder: (folder / "dagster.log").write_text("all went web\n"), ["dagster.log was edited"]),
    "a log cut": (lambda folder: (folder / "dagster.log").write_text("all went"), ["dagster.log was edited"]),
    "a log written on": (
        lambda folder: (folder / "dagster.log").write_text("all went well\nreally\n"),
        ["dagster.log was edited"],
    ),
    "a log taken away": (lambda folder: (folder / "dagster.log").unlink(), ["dagster.log is missing"]),
    "a file added": (
        lambda folder: (folder / "evidence" / "0009-x.json").write_text("{}"),
        ["evidence/0009-x.json was added"],
    ),
    "evidence exchanged between steps": (
        exchange_evidence,
        ["evidence/0003-one.json was edited", "evidence/0005-two.json was edited"],
    ),
    "evidence taken away": (
        lambda folder: (folder / "evidence" / "0003-one.json").unlink(),
        ["evidence/0003-one.json is missing"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_told_by_its_name(project: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Page, log, evidence and the set of files are in the chain."""
    monkeypatch.setattr("dagster_playbook.runbook.execute.perform", lambda *a, **k: log_of(project) or {"output": "x"})
    run = project.run()
    change, told = CHANGES[name]
    assert project.verify()[run].problems == []
    change(project.folder(run))
    assert project.verify()[run].problems == told


def log_of(project: Any) -> None:
    (project.folder(project.store.run_ids()[-1]) / "dagster.log").write_text("all went well\n")


def test_a_log_may_grow_until_its_run_has_ended(tmp_path: Path, project: Any) -> None:
    """What is added behind the last line is not covered, and that is said; what was there before is."""
    folder = project.folder("20260131-120000-abcdef")
    written = Journal(folder)
    (folder / "dagster.log").write_text("one\n")
    written.append("opened")
    (folder / "dagster.log").write_text("one\ntwo\n")
    report = project.verify()[folder.name]
    assert report.problems == []
    assert "dagster.log has grown since the last line, which does not cover the rest" in report.notes
    (folder / "dagster.log").write_text("not\ntwo\n")
    assert project.verify()[folder.name].problems == ["dagster.log was edited"]


def test_evidence_of_a_cut_step_is_no_finding_before_or_after_the_run_goes_on(project: Any) -> None:
    """A file whose line was never written belongs to nobody, until the line of the resumption names it."""
    folder = project.folder("20260131-120000-abcdef")
    written = Journal(folder)
    (folder / "runbook.md").write_text("# A page\n")
    written.append("opened")
    (folder / "evidence").mkdir()
    (folder / "evidence" / "0002-one.json").write_text("{}")
    report = project.verify()[folder.name]
    assert report.problems == []
    assert "evidence/0002-one.json was written after the last line, which does not cover it" in report.notes
    again = Journal(folder)
    again.append("resumed")
    again.append("closed", state="failed")
    assert project.verify()[folder.name].problems == []


def test_the_page_is_the_one_that_was_planned(project: Any) -> None:
    """A page, its line and the chain rewritten together do not fit the digest that was planned."""
    run = project.run()
    edit_page(project.folder(run))
    said = {"size": 15, "sha256": hashlib.sha256(b"# Another page\n").hexdigest()}

    def fitting(lines: Lines) -> Lines:
        lines[0]["data"]["files"]["runbook.md"] = said
        return lines

    project.rewrite(run, fitting)
    assert "runbook.md is not the page that was planned" in project.verify()[run].problems


def test_a_page_that_changes_after_its_plan_is_not_run(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept beside the journal is what was planned, byte by byte."""
    page = project.root / "runbooks" / "two.md"
    from dagster_playbook.runbook import session

    real = session.find_approval
    monkeypatch.setattr(session, "find_approval", lambda *a: page.write_text(page.read_text() + "\n") and real(*a))
    with pytest.raises(RunbookError, match="changed between its plan and its run"):
        project.run()


def test_an_index_that_was_edited_is_told(project: Any) -> None:
    """A line of the index that does not fit its chain is a finding of the index itself."""
    project.run()
    path = project.store.index.path
    path.write_text(path.read_text().replace('"closed"', '"opened"'))
    assert project.verify()["runs.jsonl"].problems == ["line 2: its text was edited"]


def test_an_index_rewritten_with_the_journal_is_told_by_the_next_run(project: Any) -> None:
    """Each journal names the line of the index that it began behind."""
    first, second = project.run(), project.run()
    rewritten_files(project, first)
    head = project.lines(first)[-1]["hash"]

    def fitting(lines: Lines) -> Lines:
        lines[1]["head"] = head
        return lines

    project.rewrite_index(fitting)
    found = project.verify()
    assert found[first].problems == []
    assert found[second].problems == ["runs.jsonl has not the line 2 that the journal names"]


def test_an_index_that_was_deleted_is_told(project: Any) -> None:
    """A run that names a line of the index does not hold without it."""
    project.run()
    second = project.run()
    project.store.index.path.unlink()
    assert project.verify()[second].problems == [
        "runs.jsonl has not the line 2 that the journal names",
        "runs.jsonl does not know it",
    ]


def test_a_run_that_was_made_up_is_told(project: Any) -> None:
    """A folder that is younger than the index and stands in none of its lines was not written by a run."""
    run = project.run()
    made_up = Journal(project.folder("29990101-000000-abcdef"))
    made_up.append("opened")
    made_up.append("closed", state="succeeded")
    found = project.verify()
    assert found[run].problems == []
    assert found["29990101-000000-abcdef"].problems == ["runs.jsonl does not know it"]


def launched(project: Any, run: str, line: int = 4) -> None:
    entry = project.lines(run)[line - 1]
    tags = {"playbook/run": run, "playbook/journal": f"{line}:{entry['hash']}"}
    project.dagster.runs.append(DagsterRun("d1", "job", "SUCCESS", tags=tags))


def test_a_dagster_run_vouches_for_the_lines_before_it(project: Any) -> None:
    """The tag of a Dagster run holds the head at its launch."""
    run = project.run()
    launched(project, run)
    report = project.verify()[run]
    assert report.verdict == "as it was written"
    assert report.checked["Dagster"] == "1 runs"
    assert report.notes == []


def test_a_record_rewritten_whole_is_told_by_dagster(project: Any) -> None:
    """Who rewrites journal and index still does not reach the tags of the Dagster runs."""
    run = project.run()
    launched(project, run, 7)
    rewritten_files(project, run)
    head = project.lines(run)[-1]["hash"]
    project.rewrite_index(lambda lines: [lines[0], lines[1] | {"head": head}])
    assert project.verify()[run].problems == ["Dagster run d1 knows another line 7 of the journal: it was rewritten"]


@pytest.mark.parametrize("tag", ["", "x", "99:" + "0" * 64, "-1:", ":", "1:"])
def test_a_tag_that_no_line_has_is_told(project: Any, tag: str) -> None:
    """A Dagster run of ours whose tag is no line of the journal vouches for nothing."""
    run = project.run()
    project.dagster.runs.append(DagsterRun("d1", "job", "SUCCESS", tags={"playbook/run": run, "playbook/journal": tag}))
    assert "knows another line" in project.verify()[run].problems[0]


def journal_with_a_job(project: Any) -> str:
    run = "20260131-120000-abcdef"
    written = Journal(project.folder(run), None, project.store.record())
    written.append("opened")
    written.append("step-started", step="build", kind="job")
    written.append("step-finished", step="build", outcome="succeeded", result={"run_id": "d1"})
    written.append("closed", state="succeeded")
    return run


def test_a_dagster_that_cannot_be_asked_is_no_pass(project: Any) -> None:
    """What could not be looked at is said, with the reason, and is neither a finding nor a pass."""
    run = journal_with_a_job(project)

    def refuse(_: Any) -> Any:
        raise PlatformError("connection refused")

    (report,) = verify_runs(project.store, [run], read_outside(project.store, [run], refuse))
    assert report.verdict == "could not look"
    assert report.unchecked == ["Dagster was not asked about 1 runs: connection refused"]


def test_a_dagster_without_the_run_is_no_pass(project: Any) -> None:
    """Another instance knows nothing of it, and so does one whose runs were deleted."""
    run = journal_with_a_job(project)
    report = project.verify()[run]
    assert report.verdict == "could not look"
    assert report.unchecked[0].startswith("Dagster has no run d1 of it")


def test_without_an_instance_only_runs_with_jobs_are_unchecked(project: Any) -> None:
    """A run of commands needs no Dagster to be verified."""
    commands, job = project.run(), journal_with_a_job(project)
    outside = Outside(project.store.index.read(), None, "there is no Dagster instance")
    found = {report.run: report.verdict for report in verify_runs(project.store, [commands, job], outside)}
    assert found == {commands: "as it was written", job: "could not look"}


def test_the_operators_signature_vouches_for_the_whole(project: Any, operator: Path) -> None:
    """A run with --key is signed when it ends, and verification says by whom."""
    run = project.run(operator)
    report = project.verify(demand_signature=True)[run]
    assert report.verdict == "as it was written"
    assert report.checked["signature"] == "operator@example.org, up to line 8 of the journal"
    assert report.notes == []


def test_a_record_rewritten_whole_is_told_by_the_signature(project: Any, operator: Path) -> None:
    """Who rewrites journal and index cannot sign the new head."""
    run = project.run(operator)
    rewritten_files(project, run)
    head = project.lines(run)[-1]["hash"]
    project.rewrite_index(lambda lines: [lines[0], lines[1] | {"head": head}])
    assert project.verify()[run].problems == [
        "operator@example.org has signed another line 8 of the journal: it was rewritten"
    ]


def test_a_signature_that_was_deleted_is_told(project: Any, operator: Path) -> None:
    """The journal's first line says with which key the run began."""
    run = project.run(operator)
    (project.folder(run) / "signature.json").unlink()
    assert project.verify()[run].problems[0].startswith("it has no signature, though it began with the key SHA256:")


def test_a_strangers_signature_does_not_hold(project: Any, operator: Path) -> None:
    """A key that the policy does not know vouches for nothing."""
    run = project.run(operator.with_name("stranger"))
    assert project.verify()[run].problems == [
        "the signature does not hold: signed by a key that allowed_signers does not know"
    ]


def test_a_signature_of_another_run_does_not_hold(project: Any, operator: Path) -> None:
    """A good signature is of one run alone."""
    first, second = project.run(operator), project.run(operator)
    shutil.copy(project.folder(first) / "signature.json", project.folder(second) / "signature.json")
    assert "has signed another line 8 of the journal" in project.verify()[second].problems[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "signature.json cannot be read"),
        ("{}", "signature.json cannot be read"),
        ("[]", "signature.json cannot be read"),
        ('{"payload": "1", "signature": ""}', "signature.json holds no signed head"),
        ('{"payload": "[]", "signature": "x"}', "signature.json holds no signed head"),
    ],
)
def test_a_file_that_is_no_signature_does_not_hold(project: Any, operator: Path, text: str, told: str) -> None:
    """Whatever stands in its place, it is a finding and no traceback."""
    run = project.run(operator)
    (project.folder(run) / "signature.json").write_text(text)
    assert project.verify()[run].problems == [f"the signature does not hold: {told}"]


def test_an_approvals_signature_is_none_over_a_record(project: Any, operator: Path) -> None:
    """The two are made in namespaces of their own."""
    from dagster_playbook.approval.signature import sign

    run = project.run(operator)
    path = project.folder(run) / "signature.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"signature": sign(document["payload"], operator)}))
    assert "not over this text or not valid now" in project.verify()[run].problems[0]


def test_a_signature_without_a_policy_could_not_be_looked_at(
    project: Any, operator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without allowed signers nobody says whose key it is."""
    run = project.run(operator)
    monkeypatch.delenv("PLAYBOOK_APPROVERS")
    report = project.verify()[run]
    assert report.verdict == "could not look"
    assert report.unchecked[0].startswith("nobody says whose the signature is: no policy in runbooks/approvers")


def test_an_unsigned_run_is_a_finding_where_signatures_are_demanded(project: Any) -> None:
    """A low-risk run needs no key, and a project that wants one everywhere says --signed."""
    run = project.run()
    assert project.verify(demand_signature=True)[run].problems == ["it is not signed"]


def test_a_key_that_cannot_sign_starts_nothing(project: Any, tmp_path: Path) -> None:
    """The key is tried before the first line, so that no run ends without the signature it began with."""
    from dagster_playbook.approval.signature import SignatureError

    with pytest.raises(SignatureError, match="no key"):
        project.run(tmp_path / "none")
    assert not (project.folder(project.store.run_ids()[-1]) / FILE_NAME).exists()


def test_a_rewritten_journal_is_not_written_on(project: Any) -> None:
    """A run is not resumed from a journal whose chain fits and whose end the index does not know."""
    run = project.run()
    project.rewrite(run, said_otherwise)
    with pytest.raises(RunbookError, match=r"the journal was rewritten: line 2 of runs\.jsonl"):
        Journal(project.folder(run), None, project.store.record()).append("resumed")


def test_a_run_from_before_still_holds_with_a_note(project: Any) -> None:
    """A folder without files in its journal and without an index is verified as far as it goes."""
    run = project.run()

    def older(lines: Lines) -> Lines:
        for line in lines:
            line["data"].pop("files", None)
            line["data"].pop("index", None)
        return lines

    project.rewrite(run, older)
    project.store.index.path.unlink()
    report = project.verify()[run]
    assert report.verdict == "as it was written"
    assert "written before journals named their files: only the evidence is covered" in report.notes
    assert "it began before there was an index of runs" in report.notes


def test_a_folder_that_cannot_be_read_is_no_pass(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses is exit 2, not a finding."""
    run = project.run()

    def refuse(*_: Any) -> Any:
        raise OSError(5, "Input/output error", "runbook.md")

    monkeypatch.setattr("dagster_playbook.runbook.evidence.compare", refuse)
    report = project.verify()[run]
    assert report.verdict == "could not look"
    assert report.unchecked == ["runbook.md cannot be read: Input/output error"]


def test_an_empty_folder_is_told(project: Any) -> None:
    """A run without a journal is one line, not a traceback."""
    run = project.run()
    for name in (FILE_NAME, HEAD_NAME):
        (project.folder(run) / name).unlink()
    assert project.verify()[run].verdict == "changed"


def test_a_run_cut_before_its_first_line_is_a_note(project: Any) -> None:
    """A folder in which nothing was written down yet has nothing to verify, and the index does not know it."""
    project.folder("20260131-120000-abcdef").mkdir(parents=True)
    (project.folder("20260131-120000-abcdef") / FILE_NAME).write_text('{"seq": 1, "at"')
    report = project.verify()["20260131-120000-abcdef"]
    assert report.verdict == "as it was written"
    assert report.notes == ["it was cut before its first line, and has done nothing"]


def test_the_command_says_all_of_it_as_json(project: Any) -> None:
    """For machines: verdict, problems, what could not be looked at, notes, and what was checked by what."""
    run = project.run()
    done = CliRunner().invoke(command, ["verify", "last", "--format", "json", "--project", str(project.root)])
    assert done.exit_code == 0
    told = json.loads(done.output)[run]
    assert told["verdict"] == "as it was written"
    assert told["checked"] == {"journal": "8 lines, 5 files", "index": "up to line 8 of the journal"}
    assert set(told) == {"verdict", "problems", "unchecked", "notes", "checked"}


def test_the_command_exits_with_2_when_it_could_not_look(project: Any) -> None:
    """Without Dagster a run with jobs is neither as written nor changed."""
    journal_with_a_job(project)
    done = CliRunner().invoke(command, ["verify", "--project", str(project.root)])
    assert done.exit_code == 2
    assert "  ? Dagster was not asked about 1 runs: there is no Dagster instance" in done.output


def test_the_index_knows_where_a_run_began_went_on_and_stood_still(project: Any) -> None:
    """A line each when it opens, is interrupted, goes on and ends, and none for its steps."""
    written = Journal(project.folder("20260131-120000-abcdef"), None, project.store.record())
    for event in ("opened", "step-started", "interrupted", "resumed", "step-finished", "closed"):
        written.append(event)
    read = project.store.index.read()
    assert [(line.event, line.seq) for line in read.lines] == [
        ("opened", 1),
        ("interrupted", 3),
        ("resumed", 4),
        ("closed", 6),
    ]


@pytest.mark.parametrize("event", ["interrupted", "closed"])
def test_nothing_is_added_to_a_run_that_stands_still(project: Any, event: str) -> None:
    """Interrupted or ended, its files are exact until it goes on."""
    written = Journal(project.folder("20260131-120000-abcdef"))
    (written.folder / "dagster.log").write_text("one\n")
    written.append("opened")
    written.append(event)
    (written.folder / "dagster.log").write_text("one\ntwo\n")
    assert project.verify()[written.folder.name].problems == ["dagster.log was edited"]


def test_a_key_that_signs_no_more_ends_the_run_with_its_reason(
    project: Any, operator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done stands in the journal, and that it is unsigned is said."""
    from dagster_playbook.approval.signature import SignatureError
    from dagster_playbook.runbook import record

    real = record.sign

    def once(payload: str, *arguments: Any) -> str:
        if payload.startswith("{"):
            raise SignatureError("the agent is gone")
        return real(payload, *arguments)

    monkeypatch.setattr(record, "sign", once)
    with pytest.raises(RunbookError, match="the journal could not be signed: the agent is gone"):
        project.run(operator)
    (run,) = project.store.run_ids()
    assert project.lines(run)[-1]["event"] == "closed"
    assert project.verify()[run].problems[0].startswith("it has no signature, though it began with the key")


def test_a_log_that_has_not_grown_has_no_note(project: Any) -> None:
    """What the last line covers whole is covered."""
    written = Journal(project.folder("20260131-120000-abcdef"))
    (written.folder / "dagster.log").write_text("one\n")
    written.append("opened")
    assert not [note for note in project.verify()[written.folder.name].notes if "dagster.log" in note]


def test_a_link_is_held_to_where_it_leads(project: Any) -> None:
    """Recorded as a link, and changed when it leads elsewhere."""
    written = Journal(project.folder("20260131-120000-abcdef"))
    link = written.folder / "latest"
    link.symlink_to("one")
    written.append("opened")
    assert project.verify()[written.folder.name].problems == []
    link.unlink()
    link.symlink_to("two")
    assert project.verify()[written.folder.name].problems == ["latest was edited"]


def test_a_journal_whose_chain_breaks_says_nothing_of_files(project: Any) -> None:
    """What a damaged journal names is not looked at, nor counted."""
    folder = project.folder(project.run())
    text = (folder / FILE_NAME).read_text()
    (folder / FILE_NAME).write_text(
        text.replace("echo", "ECHO", 1) if "echo" in text else text.replace("one", "ONE", 1)
    )
    seen = look_at(folder)
    assert (seen.entries, seen.files, seen.notes) == ([], 0, [])
    assert len(seen.problems) == 1
