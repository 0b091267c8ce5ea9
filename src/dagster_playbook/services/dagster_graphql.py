"""A deployed Dagster, asked through its GraphQL API: launch, follow, find and cancel runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from dagster_playbook.errors import PlatformError
from dagster_playbook.failure import step_failure
from dagster_playbook.services.dagster_child import RUN_KEY_TAG
from dagster_playbook.services.dagster_runs import RUN_TAG, DagsterRun, Launch, LaunchRefusedError, Progress

_CONNECT_S = 5.0
_ANSWER_S = 60.0
_POLL_S = 1.0
_TRIES = 3
#: more Dagster runs than one runbook launches, retries of the daemon included
_LAUNCHED = 1000
#: how long the daemon may take to start a retry that it has announced
_RETRY_S = 60.0
_TOLD = ("STEP_START", "STEP_SUCCESS", "STEP_FAILURE", "RUN_FAILURE", "RUN_SUCCESS")
_WILL_RETRY, _RETRIED_AS = "dagster/will_retry", "dagster/auto_retry_run_id"
_RUN = "runId jobName status runConfig rootRunId parentRunId tags { key value }"
_REPOSITORIES = """{ repositoriesOrError { __typename
  ... on RepositoryConnection { nodes { name location { name } jobs { name } } } } }"""
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } }
  ... on RunConfigValidationInvalid { errors { message } } ... on PythonError { message }
  ... on UnauthorizedError { message } ... on InvalidSubsetError { message } } }"""
_RUNS = f"""query($filter: RunsFilter, $limit: Int) {{ runsOrError(filter: $filter, limit: $limit) {{
  __typename ... on Runs {{ results {{ {_RUN} }} }} ... on PythonError {{ message }} }} }}"""
_EVENTS = """query($run: ID!, $after: String) { logsForRun(runId: $run, afterCursor: $after, limit: 500) {
  __typename
  ... on EventConnection { cursor hasMore events { __typename ... on MessageEvent { message stepKey eventType }
    ... on ExecutionStepFailureEvent { error { className message cause { className message } } } } }
  ... on PythonError { message } } }"""
_CANCEL = """mutation($run: String!) { terminateRun(runId: $run, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) {
  __typename ... on PythonError { message } ... on TerminateRunFailure { message } } }"""


class DeployedDagster:
    """A Dagster webserver at `url`, e.g. `http://127.0.0.1:3000`; `token` becomes a bearer token when given."""

    def __init__(self, url: str, *, token: str = "") -> None:
        self.url = url.rstrip("/")
        # for messages: what the URL may carry of credentials is told to nobody
        self._address = urlsplit(url).netloc.rpartition("@")[2] or url
        self._headers = {"Authorization": f"Bearer {token}", "Dagster-Cloud-Api-Token": token} if token else {}

    def launch(self, launch: Launch, progress: Progress, *, timeout_s: float = 0.0) -> DagsterRun:
        """Launch a job and follow it to its end; when this process is interrupted the run goes on.

        Raises:
            LaunchRefusedError: Dagster refuses the config; nothing was started.
            PlatformError: there is no such job, or the run outlives `timeout_s`.
        """
        tags = [{"key": k, "value": v} for k, v in {**launch.tags, RUN_KEY_TAG: launch.run_key}.items()]
        params: dict[str, Any] = {
            "selector": self._selector(launch.job),
            "runConfigData": launch.config,
            "mode": "default",
            "executionMetadata": {"tags": tags},
        }
        if launch.parent_run_id:
            parent = self.show(launch.parent_run_id)
            root = parent.root_run_id if parent else launch.parent_run_id
            params["executionMetadata"] |= {"rootRunId": root, "parentRunId": launch.parent_run_id}
        answer = self._ask(_LAUNCH, {"params": params})["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            errors = answer.get("errors") or [answer]
            told = "; ".join(str(e.get("message", answer["__typename"])) for e in errors)
            raise LaunchRefusedError(f"Dagster refuses to launch {launch.job!r}: {told}")
        return self.follow(answer["run"]["runId"], progress, timeout_s=timeout_s)

    def follow(self, run_id: str, progress: Progress, *, timeout_s: float = 0.0) -> DagsterRun:
        """Tell of a run's events until it has ended; of one that Dagster retries by itself, until the retry has.

        Raises:
            PlatformError: it outlives `timeout_s` seconds, counted over all retries; 0 is no limit.
        """
        deadline = time.monotonic() + timeout_s if timeout_s else float("inf")
        while True:
            run = self._followed(run_id, progress, deadline)
            retry = self._retry_of(run)
            if not retry:
                return run
            progress("retry", "", f"{run.run_id} failed; Dagster retries it")
            run_id = retry

    def _followed(self, run_id: str, progress: Progress, deadline: float) -> DagsterRun:
        progress("run", "", run_id)
        cursor: str | None = None
        while True:
            run = self.show(run_id)
            cursor = self._tell(run_id, cursor, progress)
            if run is None or not run.is_in_flight:
                return run or DagsterRun(run_id, "", "GONE")
            if time.monotonic() > deadline:
                raise PlatformError(f"the run {run_id} takes longer than its step may; it goes on", cure="resume later")
            time.sleep(_POLL_S)

    def _retry_of(self, run: DagsterRun) -> str:
        """The id of the run that the daemon starts in place of a failed one; "" when there is none."""
        if run.status != "FAILURE":
            return ""
        # Dagster says whether it will retry a moment after it says that the run has failed.
        if _WILL_RETRY not in run.tags:
            time.sleep(_POLL_S)
        deadline = time.monotonic() + _RETRY_S
        while True:
            tags = (self.show(run.run_id) or run).tags
            found = tags.get(_RETRIED_AS, "")
            if found or tags.get(_WILL_RETRY) != "true" or time.monotonic() > deadline:
                return found
            time.sleep(_POLL_S)

    def find(self, run_key: str) -> DagsterRun | None:
        """The newest run of a run key."""
        found = self._runs({"tags": [{"key": RUN_KEY_TAG, "value": run_key}]}, 1)
        return found[0] if found else None

    def show(self, run_id: str) -> DagsterRun | None:
        """One run by its id."""
        found = self._runs({"runIds": [run_id]}, 1)
        return found[0] if found else None

    def runs(self, *, jobs: Sequence[str] = (), statuses: Sequence[str] = ()) -> list[DagsterRun]:
        """The newest runs of some jobs in some states; all of them when none is named."""
        found = self._runs({"statuses": list(statuses)} if statuses else {}, 200)
        return [run for run in found if not jobs or run.job in jobs]

    def launched_by(self, runbook_runs: Sequence[str]) -> list[DagsterRun]:
        """The runs that runbooks' runs have launched; one question each, for a filter takes one value of a tag."""
        return [
            run for one in runbook_runs for run in self._runs({"tags": [{"key": RUN_TAG, "value": one}]}, _LAUNCHED)
        ]

    def cancel(self, run_id: str) -> DagsterRun:
        """Mark a run as cancelled and stop its worker."""
        answer = self._ask(_CANCEL, {"run": run_id})["terminateRun"]
        if answer["__typename"] != "TerminateRunSuccess":
            raise PlatformError(f"Dagster does not cancel {run_id}: {answer.get('message', answer['__typename'])}")
        return self.show(run_id) or DagsterRun(run_id, "", "GONE")

    def _selector(self, job: str) -> dict[str, str]:
        answer = self._ask(_REPOSITORIES, {})["repositoriesOrError"]
        nodes = answer.get("nodes", [])
        homes = [node for node in nodes if any(entry["name"] == job for entry in node["jobs"])]
        if len(homes) != 1:
            found = "no code location has" if not homes else "several code locations have"
            raise PlatformError(f"{found} a job {job!r} on {self._address}")
        return {
            "repositoryLocationName": homes[0]["location"]["name"],
            "repositoryName": homes[0]["name"],
            "jobName": job,
        }

    def _tell(self, run_id: str, cursor: str | None, progress: Progress) -> str | None:
        while True:
            answer = self._ask(_EVENTS, {"run": run_id, "after": cursor})["logsForRun"]
            for event in answer.get("events", []):
                if event.get("eventType") in _TOLD:
                    told = step_failure(event["error"]) if event.get("error") else event.get("message") or ""
                    progress(event["eventType"], event.get("stepKey") or "", told)
            cursor = answer.get("cursor", cursor)
            if not answer.get("hasMore"):
                return cursor

    def _runs(self, wanted: dict[str, Any], limit: int) -> list[DagsterRun]:
        answer = self._ask(_RUNS, {"filter": wanted, "limit": limit})["runsOrError"]
        if answer["__typename"] != "Runs":
            raise PlatformError(f"Dagster does not list runs: {answer.get('message', answer['__typename'])}")
        return [_run(entry) for entry in answer["results"]]

    def _ask(self, query: str, variables: dict[str, Any]) -> Any:
        """One request; a question is asked again when the connection breaks, a launch never."""
        import httpx

        tries = 1 if query.startswith("mutation") else _TRIES
        for attempt in range(1, tries + 1):
            try:
                answer = httpx.post(
                    f"{self.url}/graphql",
                    json={"query": query, "variables": variables},
                    headers=self._headers,
                    timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
                )
                answer.raise_for_status()
                data = answer.json()
                break
            except (httpx.HTTPError, ValueError) as error:
                if attempt == tries:
                    told = f"HTTP {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else error
                    raise PlatformError(
                        f"Dagster at {self._address} did not answer: {told or type(error).__name__}",
                        cure="check the address; a launch without an answer may have happened, resuming looks",
                    ) from error
                time.sleep(_POLL_S)
        if data.get("errors"):
            raise PlatformError(f"Dagster at {self._address} refuses the question: {data['errors'][0].get('message')}")
        return data["data"]


def _run(data: dict[str, Any]) -> DagsterRun:
    return DagsterRun(
        run_id=data["runId"],
        job=data["jobName"],
        status=data["status"],
        config=dict(data["runConfig"] or {}),
        tags={tag["key"]: tag["value"] for tag in data["tags"]},
        root_run_id=data["rootRunId"] or data["runId"],
        parent_run_id=data["parentRunId"] or "",
    )
