"""Steps in their order, what they give to each other, and where a cut run goes on."""

from __future__ import annotations

import decimal
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import BusyError, PlatformError, RunbookError
from dagster_playbook.runbook import journal
from dagster_playbook.runbook.evidence import look_at
from dagster_playbook.runbook.execute import Executor, begin, where_it_stopped
from dagster_playbook.runbook.journal import Journal
from dagster_playbook.runbook.redaction import Redactor
from dagster_playbook.runbook.store import Store, run_state
from dagster_playbook.runbook.surroundings import Surroundings
from dagster_playbook.services.dagster_runs import DagsterRun, Launch
from dagster_playbook.settings import Settings


@dataclass
class RememberedDagster:
    """Remembers what was launched; a job ends as `endings` says, in order, and well after that."""

    endings: list[Any] = field(default_factory=list)
    launched: list[Launch] = field(default_factory=list)
    known: list[DagsterRun] = field(default_factory=list)

    def launch(self, launch: Launch, progress: Any, *, timeout_s: float = 0.0) -> DagsterRun:
        self.launched.append(launch)
        ending = self.endings.pop(0) if self.endings else "SUCCESS"
        run_id = f"run{len(self.launched)}"
        tags = {"playbook/run_key": launch.run_key}
        self.known.insert(
            0, DagsterRun(run_id, launch.job, str(ending), launch.config, tags, launch.parent_run_id or run_id)
        )
        if isinstance(ending, BaseException):
            raise ending
        return self.known[0]

    def follow(self, run_id: str, progress: Any, *, timeout_s: float = 0.0) -> DagsterRun:
        return next(run for run in self.known if run.run_id == run_id)

    def find(self, run_key: str) -> DagsterRun | None:
        return next((run for run in self.known if run.tags["playbook/run_key"] == run_key), None)

    def show(self, run_id: str) -> DagsterRun | None:
        return next((run for run in self.known if run.run_id == run_id), None)

    def runs(self, *, jobs: Sequence[str] = (), statuses: Sequence[str] = ()) -> list[DagsterRun]:
        return [run for run in self.known if run.status in statuses]

    def cancel(self, run_id: str) -> DagsterRun:
        return DagsterRun(run_id, "", "CANCELED")


@dataclass
class Desk:
    """Runs a runbook in a folder, again and again."""

    folder: Path
    runbook: Runbook
    values: dict[str, Any] = field(default_factory=dict)
    dagster: RememberedDagster = field(default_factory=RememberedDagster)
    facts: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    permitted: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    run_id: str = "r1"

    def run(self, **options: str) -> str:
        folder = self.folder / self.run_id
        fresh = not (folder / journal.FILE_NAME).exists()
        progress = begin(self.runbook) if fresh else where_it_stopped(self.runbook, folder, **options)
        written = Journal(folder)
        if fresh:
            written.append("opened", runbook=self.runbook.path)
        around = Surroundings(
            settings=Settings(self.folder),
            run_id=self.run_id,
            dagster=lambda: self.dagster,
            ask=lambda step, question: self.answers[step],
            progress=lambda *told: None,
            values_of_facts=lambda: self.facts,
            anchor=lambda: written.anchor,
            approval="signed",
        )
        executor = Executor(
            self.runbook,
            self.values,
            written,
            around,
            Redactor((), {}),
            lambda step: self.permitted.append(step.id),
            lambda name, data: None,
            self.waited.append,
        )
        return executor.run(progress)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [
            (entry.data["step"], entry.data["outcome"])
            for entry in journal.entries(self.folder / self.run_id)
            if entry.event == "step-finished"
        ]

    @property
    def state(self) -> str:
        return str(run_state(self.folder / self.run_id)["state"])


@pytest.fixture
def desk_of(tmp_path: Path, runbook_of: Callable[..., Runbook]) -> Callable[..., Desk]:
    return lambda body, parameters="": Desk(tmp_path, runbook_of(body, parameters))


JOB = '```yaml {#%s job="job" no_undo="x"%s}\nops: {}\n```\n\n'
FACT = '```yaml {#%s facts="equal"%s}\na: 1\n```\n\n'


def test_steps_run_in_the_order_of_the_page(desk_of: Callable[..., Desk]) -> None:
    """One after the other, and the run has succeeded when all have."""
    desk = desk_of(JOB % ("one", "") + JOB % ("two", ""))
    assert desk.run() == "succeeded"
    assert desk.outcomes == [("one", "succeeded"), ("two", "succeeded")]
    assert [launch.run_key for launch in desk.dagster.launched] == ["r1/one", "r1/two"]


def test_a_failed_step_ends_the_run(desk_of: Callable[..., Desk]) -> None:
    """Nothing after it is done."""
    desk = desk_of(JOB % ("one", "") + JOB % ("two", ""))
    desk.dagster.endings = ["FAILURE"]
    assert desk.run() == "failed"
    assert len(desk.dagster.launched) == 1


def test_a_failed_job_is_re_executed_on_resume(desk_of: Callable[..., Desk]) -> None:
    """Its parent is the failed run, so that the op sees what that one has finished."""
    desk = desk_of(JOB % ("one", "") + JOB % ("two", ""))
    desk.dagster.endings = ["SUCCESS", "FAILURE"]
    desk.run()
    assert desk.run() == "succeeded"
    assert [(x.run_key, x.parent_run_id) for x in desk.dagster.launched] == [
        ("r1/one", ""),
        ("r1/two", ""),
        ("r1/two", "run2"),
    ]


def test_a_job_that_went_well_before_the_cut_is_not_launched_again(desk_of: Callable[..., Desk]) -> None:
    """Cut after the run and before the journal, it is found by its run key."""
    desk = desk_of(JOB % ("one", ""))
    desk.dagster.endings = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        desk.run()
    assert desk.state == "interrupted"
    desk.dagster.known = [DagsterRun("run1", "job", "SUCCESS", tags={"playbook/run_key": "r1/one"})]
    assert desk.run() == "succeeded"
    assert len(desk.dagster.launched) == 1


def test_a_recovery_runs_only_after_a_failure(desk_of: Callable[..., Desk]) -> None:
    """Normally it stands aside; after a failure it is what happens, and the run says so."""
    body = JOB % ("one", ' on_failure="back"') + JOB % ("two", "") + JOB % ("back", " recovery")
    well, badly = desk_of(body), desk_of(body)
    assert well.run() == "succeeded"
    assert [step for step, _ in well.outcomes] == ["one", "two"]
    badly.run_id = "r2"
    badly.dagster.endings = ["FAILURE"]
    assert badly.run() == "recovered"
    assert badly.outcomes == [("one", "failed"), ("back", "succeeded")]


def test_unless_skips_a_step(desk_of: Callable[..., Desk]) -> None:
    """A step whose condition holds is skipped, and that is written down."""
    desk = desk_of(JOB % ("one", ' unless="wanted == false"'), "    wanted: {type: boolean, default: true, help: x}\n")
    desk.values = {"wanted": False}
    assert desk.run() == "succeeded"
    assert desk.outcomes == [("one", "skipped")]


def test_an_expectation_that_does_not_hold_fails_the_step(desk_of: Callable[..., Desk]) -> None:
    """The message says what was expected and what was found."""
    desk = desk_of('```sh {#tell changes="nothing" expect="exit_code == 3"}\ntrue\n```\n')
    assert desk.run() == "failed"
    last = [entry for entry in journal.entries(desk.folder / "r1") if entry.event == "step-finished"][-1]
    assert last.data["message"] == "expected exit_code == 3; found {'exit_code': 0}"


def test_a_waiting_step_looks_again(desk_of: Callable[..., Desk]) -> None:
    """It is repeated, with its own pause, until it succeeds."""
    desk = desk_of(FACT % ("fact", ' wait="1h" every="7s"'))
    desk.waited = Waits(desk, after=2)
    assert desk.run() == "succeeded"
    assert list(desk.waited) == [7.0, 7.0]


class Waits(list[float]):
    """Makes the fact true after some pauses."""

    def __init__(self, desk: Desk, after: int) -> None:
        super().__init__()
        self.desk, self.after = desk, after

    def append(self, pause: float) -> None:
        super().append(pause)
        if len(self) == self.after:
            self.desk.facts["a"] = 1


def test_a_step_uses_the_result_of_an_earlier_one(desk_of: Callable[..., Desk]) -> None:
    """Also after a cut, when the result comes from the journal."""
    asked = '```text {#name ask=""}\nWho?\n```\n\n'
    use = '```yaml {#use job="job" no_undo="x"}\nops: {a: {config: {who: "{{ steps.name.answer }}"}}}\n```\n'
    desk = desk_of(asked + use)
    desk.answers = {"name": "Ada; rm -rf /"}
    desk.dagster.endings = ["FAILURE"]
    desk.run()
    assert desk.run() == "succeeded"
    assert {launch.config["ops"]["a"]["config"]["who"] for launch in desk.dagster.launched} == {"Ada; rm -rf /"}


def test_the_wrong_answer_fails(desk_of: Callable[..., Desk]) -> None:
    """A question with one right answer is passed by that alone."""
    desk = desk_of('```text {#sure ask="yes"}\nSure?\n```\n')
    desk.answers = {"sure": "well"}
    assert desk.run() == "failed"


def test_an_approved_step_asks_for_its_permit_first(desk_of: Callable[..., Desk]) -> None:
    """And its run carries the approval, and is not retried by Dagster."""
    desk = desk_of(JOB % ("one", ' approve="approver"'))
    desk.run()
    assert desk.permitted == ["one"]
    tags = desk.dagster.launched[0].tags
    assert tags["playbook/approval"] == "signed"
    assert tags["dagster/max_retries"] == "0"


def test_what_changes_something_asks_for_its_permit(desk_of: Callable[..., Desk]) -> None:
    """Before it, since the platform's lock may be lost; what only looks needs none."""
    desk = desk_of(FACT % ("look", "") + JOB % ("change", ""))
    desk.facts = {"a": 1}
    desk.run()
    assert desk.permitted == ["change"]


def test_what_cannot_be_asked_leaves_the_run_resumable(desk_of: Callable[..., Desk]) -> None:
    """A platform that does not answer is no failure of the step: the run stops there and goes on there."""
    desk = desk_of(JOB % ("one", ""))
    desk.dagster.endings = [PlatformError("no answer")]
    with pytest.raises(PlatformError):
        desk.run()
    desk.dagster.known.clear()
    assert desk.run() == "succeeded"


def test_a_cut_command_is_not_repeated_by_itself(desk_of: Callable[..., Desk]) -> None:
    """Nobody knows what it did; the operator looks and says so."""
    desk = desk_of('```sh {#make no_undo="x"}\ntouch made\n```\n')
    Journal(desk.folder / "r1").append("opened", runbook="page.md")
    Journal(desk.folder / "r1").append("step-started", step="make")
    with pytest.raises(RunbookError, match="was cut while its command ran"):
        desk.run()
    assert not (desk.folder / "made").exists()
    assert desk.run(again="make") == "succeeded"
    assert (desk.folder / "made").exists()


def test_a_step_can_be_taken_as_done(desk_of: Callable[..., Desk]) -> None:
    """By the operator's word, and the run goes on behind it."""
    desk = desk_of('```sh {#make no_undo="x"}\ntouch made\n```\n' + JOB % ("two", ""))
    Journal(desk.folder / "r1").append("opened", runbook="page.md")
    Journal(desk.folder / "r1").append("step-started", step="make")
    assert desk.run(done="make") == "succeeded"
    assert not (desk.folder / "made").exists()


def test_a_command_that_hangs_is_stopped(desk_of: Callable[..., Desk]) -> None:
    """Its time limit ends it."""
    desk = desk_of('```sh {#hang changes="nothing" timeout="0.2s"}\nsleep 60\n```\n')
    assert desk.run() == "failed"


def test_a_program_that_is_missing_is_one_clear_error(desk_of: Callable[..., Desk]) -> None:
    """Not a traceback."""
    desk = desk_of('```sh {#x changes="nothing"}\nno-such-program-at-all\n```\n')
    with pytest.raises(PlatformError, match="cannot be run"):
        desk.run()


def test_nothing_to_resume(desk_of: Callable[..., Desk]) -> None:
    """A run that has succeeded has no step to go on with."""
    desk = desk_of(JOB % ("one", ""))
    desk.run()
    with pytest.raises(RunbookError, match="nothing to resume"):
        desk.run()


def test_other_runs_are_seen_and_ones_own_are_not(desk_of: Callable[..., Desk]) -> None:
    """Nothing in flight means nothing that somebody else has started."""
    desk = desk_of('```yaml {#idle dagster="runs" expect="rows == 1"}\njobs: []\n```\n')
    desk.dagster.known = [
        DagsterRun("mine", "job", "STARTED", tags={"playbook/run_key": "r1/x"}),
        DagsterRun("other", "job", "STARTED", tags={"playbook/run_key": "r0/x"}),
    ]
    assert desk.run() == "succeeded"


def test_evidence_is_kept_and_an_edit_of_it_is_seen(desk_of: Callable[..., Desk]) -> None:
    """Each step's result has a file, and the journal knows its digest."""
    desk = desk_of(JOB % ("one", ""))
    desk.run()
    assert look_at(desk.folder / "r1").problems == []
    (file,) = (desk.folder / "r1" / "evidence").iterdir()
    file.write_text(file.read_text().replace("SUCCESS", "FAILURE"))
    assert look_at(desk.folder / "r1").problems == [f"evidence/{file.name} was edited"]


def test_a_refused_query_takes_the_way_back(desk_of: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answers that it cannot read is a failed step; one that cannot be asked leaves a run to resume."""
    from dagster_playbook.services import query

    told: list[PlatformError] = [query.QueryRefusedError("no such table"), PlatformError("no connection")]

    def refuse(*_: Any, **__: Any) -> None:
        raise told.pop(0)

    monkeypatch.setattr(query, "ask", refuse)
    read = '```sql {#read query="trino" on_failure="back"}\nSELECT 1 AS n\n```\n\n'
    desk = desk_of(JOB % ("move", "") + read + JOB % ("back", " recovery"))
    assert desk.run() == "recovered"
    assert desk.outcomes == [("move", "succeeded"), ("read", "failed"), ("back", "succeeded")]
    desk.run_id = "r2"
    with pytest.raises(PlatformError, match="no connection"):
        desk.run()
    assert desk.state == "interrupted"


def test_a_word_about_another_step_is_refused(desk_of: Callable[..., Desk]) -> None:
    """--done and --again are for the step at which the run stands; of another one nothing is passed over."""
    desk = desk_of(JOB % ("one", "") + JOB % ("two", ""))
    desk.dagster.endings = ["FAILURE"]
    desk.run()
    for option in ("done", "again"):
        with pytest.raises(RunbookError, match="stands at step 'one', not at 'two'"):
            desk.run(**{option: "two"})


def test_run_ids_sort_by_time(tmp_path: Path) -> None:
    """Also those of one second, so that `last` is the last."""
    ids = [Store(tmp_path).new_run_id() for _ in range(2000)]
    assert [i[:-2] for i in ids] == sorted(i[:-2] for i in ids)


BUSY = (
    'IO Error: Could not set lock on file "/w/iceberg.duckdb": Conflicting lock is held in /usr/bin/python3 (PID 77).'
)


@dataclass
class BusyDagster(RememberedDagster):
    """Its jobs fail with DuckDB's words as often as `busy` says."""

    busy: int = 0

    def launch(self, launch: Launch, progress: Any, *, timeout_s: float = 0.0) -> DagsterRun:
        if len(self.launched) < self.busy:
            self.endings = ["FAILURE"]
            progress("STEP_FAILURE", "op", BUSY)
        return super().launch(launch, progress, timeout_s=timeout_s)


def test_a_busy_warehouse_is_waited_for(desk_of: Callable[..., Desk]) -> None:
    """A run that found the file locked was not begun: it is no failure, and is executed again as what it was."""
    desk = desk_of(JOB % ("one", ' on_failure="back"') + JOB % ("back", " recovery"))
    desk.dagster = BusyDagster(busy=2)
    assert desk.run() == "succeeded"
    assert desk.outcomes == [("one", "succeeded")]
    assert [launch.parent_run_id for launch in desk.dagster.launched] == ["", "run1", "run2"]
    assert len(desk.waited) == 2


def test_busy_for_too_long_leaves_a_run_to_resume(desk_of: Callable[..., Desk]) -> None:
    """Patience has an end: the run stops at the step, which has not failed, and says who has the file."""
    desk = desk_of(JOB % ("one", ' on_failure="back"') + JOB % ("back", " recovery"))
    desk.dagster = BusyDagster(busy=1000)
    with pytest.raises(BusyError, match="process 77 has it open for writing"):
        desk.run()
    assert (desk.state, desk.outcomes) == ("interrupted", [])
    desk.dagster.busy = 0
    assert desk.run() == "succeeded"


def test_a_run_that_broke_off_in_its_recovery_is_finished(desk_of: Callable[..., Desk]) -> None:
    """It goes on in the recovery, or with --again at the step that had failed."""
    body = JOB % ("one", ' on_failure="back"') + JOB % ("back", " recovery")
    for options, ended, outcomes in (
        ({}, "recovered", [("one", "failed"), ("back", "succeeded")]),
        ({"again": "one"}, "succeeded", [("one", "failed"), ("one", "succeeded")]),
    ):
        desk = desk_of(body)
        desk.run_id = f"r-{ended}"
        desk.dagster.endings = ["FAILURE", PlatformError("no answer")]
        with pytest.raises(PlatformError):
            desk.run()
        assert desk.run(**options) == ended
        assert desk.outcomes == outcomes


def test_a_recovered_run_is_finished_by_the_operators_word(desk_of: Callable[..., Desk]) -> None:
    """Of itself there is nothing to resume; the refusal says how the failed step is tried once more."""
    desk = desk_of(JOB % ("one", ' on_failure="back"') + JOB % ("two", "") + JOB % ("back", " recovery"))
    desk.dagster.endings = ["FAILURE"]
    assert desk.run() == "recovered"
    with pytest.raises(RunbookError, match="has recovered") as refused:
        desk.run()
    assert refused.value.cure == "to try the failed step once more: resume with --again one"
    assert desk.run(again="one") == "succeeded"
    assert [launch.parent_run_id for launch in desk.dagster.launched][-2:] == ["run1", ""]


def test_a_command_that_left_something_running_says_so(desk_of: Callable[..., Desk]) -> None:
    """The step has succeeded, and its message names the process."""
    # the processes of a step are known by its run and its name, which another run of the suite must not share
    desk = desk_of(f'```sh {{#serve{os.getpid()} changes="nothing"}}\nsh -c "sleep 606 &"\n```\n')
    assert desk.run() == "succeeded"
    (last,) = [entry.data for entry in journal.entries(desk.folder / "r1") if entry.event == "step-finished"]
    (left,) = last["result"]["left_running"]
    os.kill(left["pid"], signal.SIGKILL)
    assert last["message"] == f"it left running: process {left['pid']} (sleep 606)"


def test_an_edited_output_is_seen(desk_of: Callable[..., Desk]) -> None:
    """What a command printed is covered by the journal as its result is."""
    desk = desk_of('```sh {#tell changes="nothing"}\necho hello\n```\n')
    desk.run()
    assert look_at(desk.folder / "r1").problems == []
    (file,) = (desk.folder / "r1" / "evidence").glob("*.log")
    file.write_text("goodbye\n")
    assert look_at(desk.folder / "r1").problems == [f"evidence/{file.name} was edited"]


def test_numbers_that_json_has_not_are_told_as_texts(
    desk_of: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query may answer NaN; the journal's digest is of plain JSON."""
    from dagster_playbook.services import query

    rows = query.Rows(("n", "m"), ((float("nan"), decimal.Decimal("1.5")),), 1)
    monkeypatch.setattr(query, "ask", lambda *_, **__: rows)
    desk = desk_of('```sql {#read query="trino"}\nSELECT 1 AS n\n```\n')
    assert desk.run() == "succeeded"
    (last,) = [entry.data for entry in journal.entries(desk.folder / "r1") if entry.event == "step-finished"]
    assert (last["result"]["n"], last["result"]["m"]) == ("nan", 1.5)
