"""The running services as authorities: what Trino, Nessie and a Dagster webserver say when they are asked.

Nothing here changes anything: a query is validated, never run, and a run config is never launched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.facts import RefFact
from dagster_playbook.services.dagster_graphql import DeployedDagster
from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.trino_query import TrinoError, TrinoQuery

#: seconds that the analysis of one query may take
EXPLAIN_TIMEOUT_S = 30.0
_PLACE = re.compile(r"line (?P<line>\d+):(?P<column>\d+): ")
#: Trino's answers to what EXPLAIN cannot be asked of, e.g. USE
_NOT_EXPLAINED = frozenset({"NOT_SUPPORTED"})
_INSTANCE = "{ version instance { info } }"
_VALIDATE = """query($selector: PipelineSelector!, $config: RunConfigData) {
  isPipelineConfigValid(pipeline: $selector, mode: "default", runConfigData: $config) { __typename
    ... on RunConfigValidationInvalid { errors { message reason stack { entries { __typename
      ... on EvaluationStackPathEntry { fieldName } ... on EvaluationStackListItemEntry { listIndex } } } } }
    ... on PythonError { message } ... on InvalidSubsetError { message } } }"""
_JOBS = "{ repositoriesOrError { __typename ... on RepositoryConnection { nodes { jobs { name } } } } }"


@dataclass(frozen=True, slots=True)
class QueryRefusal:
    """Why Trino does not take a query; line and column are 1-based in the query, 0 when Trino does not say."""

    name: str
    message: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class ConfigRefusal:
    """Why Dagster does not take a run config.

    Attributes:
        reason: Dagster's own, e.g. `FIELD_NOT_DEFINED`.
        path: keys and list indices of the value that it is about.
    """

    reason: str
    message: str
    path: tuple[str | int, ...] = ()


class LiveTrino:
    """A running Trino."""

    def __init__(self, query: TrinoQuery) -> None:
        self._query = query

    @cached_property
    def evidence(self) -> str:
        """Its version and address."""
        version = self._query.query("SELECT node_version FROM system.runtime.nodes WHERE coordinator").scalar()
        return f"Trino {version} at {self._query.host}:{self._query.port}"

    def catalogs(self) -> dict[str, str]:
        """Name of each catalog to the name of its connector."""
        return dict(self._query.query("SELECT catalog_name, connector_name FROM system.metadata.catalogs").rows)

    def refusal(self, sql: str, *, catalog: str) -> QueryRefusal | None:
        """Why Trino does not take one statement; None when it does. Names without a catalog are of `catalog`.

        Raises:
            TrinoError: it could not be asked, or failed for reasons that are not in the statement.
        """
        try:
            self._query.query(f"EXPLAIN (TYPE VALIDATE)\n{sql}", catalog=catalog)
        except TrinoError as error:
            if error.kind != "USER_ERROR":
                raise
            return None if error.name in _NOT_EXPLAINED else _query_refusal(error)
        return None


def _query_refusal(error: TrinoError) -> QueryRefusal:
    message = error.message.removeprefix("Trino refused: ")
    place = _PLACE.match(message)
    if place is None:
        return QueryRefusal(error.name, message)
    # The first line is the EXPLAIN before the statement.
    line = max(int(place["line"]) - 1, 1)
    return QueryRefusal(error.name, message[place.end() :], line, int(place["column"]))


class LiveNessie:
    """A running Nessie."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.evidence = f"Nessie at {host_and_port(uri)}"

    def references(self) -> dict[str, RefFact]:
        """Every branch and tag with its hash.

        Raises:
            PlatformError: Nessie could not be asked.
        """
        with NessieClient(self._uri) as client:
            return {r.name: RefFact(r.name, r.kind.value, r.hash) for r in client.list_references()}


class LiveDagster(DeployedDagster):
    """A Dagster webserver, ours or a deployed one, asked what it has and what it would take."""

    @cached_property
    def evidence(self) -> str:
        """Its version and address."""
        return f"Dagster {self._ask(_INSTANCE, {})['version']} at {host_and_port(self.url)}"

    @cached_property
    def jobs(self) -> frozenset[str]:
        """Names of the jobs of all its code locations.

        Raises:
            PlatformError: it could not be asked, or has no code location that loads.
        """
        answer = self._ask(_JOBS, {})["repositoriesOrError"]
        found = frozenset(job["name"] for node in answer.get("nodes", []) for job in node["jobs"])
        if not found:
            raise PlatformError(
                f"Dagster at {host_and_port(self.url)} has no job: none of its code locations is loaded",
                cure="see the webserver's page Deployment",
            )
        return found

    @cached_property
    def run_retries(self) -> dict[str, Any]:
        """The instance's `run_retries` as dotted facts, e.g. `dagster.run_retries.max_retries`; {} if it tells none."""
        import yaml

        settings = yaml.safe_load(self._ask(_INSTANCE, {})["instance"]["info"] or "") or {}
        retries = settings.get("run_retries") or {}
        return {f"dagster.run_retries.{key}": value for key, value in retries.items()}

    def config_refusals(self, job: str, config: Mapping[str, Any]) -> tuple[ConfigRefusal, ...]:
        """Why Dagster would not launch a job with a run config; nothing when it would.

        Raises:
            PlatformError: it could not be asked, or does not have the job.
        """
        selector = self._selector(job)
        selector = {"pipelineName" if key == "jobName" else key: value for key, value in selector.items()}
        answer = self._ask(_VALIDATE, {"selector": selector, "config": config})["isPipelineConfigValid"]
        if answer["__typename"] == "PipelineConfigValidationValid":
            return ()
        if "errors" not in answer:
            raise PlatformError(f"Dagster does not judge {job!r}: {answer.get('message', answer['__typename'])}")
        return tuple(_config_refusal(error) for error in answer["errors"])


def _config_refusal(error: Mapping[str, Any]) -> ConfigRefusal:
    entries = [entry.get("fieldName", entry.get("listIndex")) for entry in error["stack"]["entries"]]
    path = tuple(entry for entry in entries if entry is not None)
    return ConfigRefusal(error["reason"], error["message"].split(' Expected: "')[0], path)


@dataclass(frozen=True, slots=True)
class LiveServices:
    """The services that pages are held to; None where there is none."""

    trino: LiveTrino | None = None
    nessie: LiveNessie | None = None
    dagster: LiveDagster | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], dagster_url: str = "") -> LiveServices:
        """The services that TRINO_HOST, NESSIE_URI and DAGSTER_WEBSERVER_URL name; none of them is asked yet.

        Raises:
            PlatformError: none is named, or a port is no number.
        """
        host, port = environment.get("TRINO_HOST", ""), environment.get("TRINO_PORT", "8080")
        if host and not port.isdigit():
            raise PlatformError(f"TRINO_PORT is {port!r}, which is no port")
        user, scheme = environment.get("TRINO_USER", "playbook"), environment.get("TRINO_SCHEME", "http")
        query = TrinoQuery(host, int(port), user, scheme, query_timeout_s=EXPLAIN_TIMEOUT_S) if host else None
        uri = environment.get("NESSIE_URI", "")
        url = dagster_url or environment.get("DAGSTER_WEBSERVER_URL", "")
        if not (query or uri or url):
            raise PlatformError(
                "no service is named to hold the pages to",
                cure="run: playbook stack up, or set TRINO_HOST, NESSIE_URI or --dagster-url",
            )
        return cls(
            LiveTrino(query) if query else None,
            LiveNessie(uri) if uri else None,
            LiveDagster(url, token=environment.get("DAGSTER_TOKEN", "")) if url else None,
        )


def host_and_port(url: str) -> str:
    """Where a URL leads, without what it may carry of credentials."""
    return urlsplit(url).netloc.rpartition("@")[2]
