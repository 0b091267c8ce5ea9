"""From a page to its claims: every fence, code span, binding and link becomes exactly one claim."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dagster_playbook.claims.help_text import is_help
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.prompts import SESSIONS
from dagster_playbook.claims.runbook import is_runbook
from dagster_playbook.claims.yaml_loader import Dialect
from dagster_playbook.claims.yaml_routing import is_mkdocs_text, route_yaml, title_in
from dagster_playbook.claims.yaml_text import read_yaml
from dagster_playbook.markdown.model import Fence, Page

#: attributes of steps that are neither a run config, a command nor a query: only the runbook format knows them
_STEPS = frozenset({"dagster", "nessie", "facts", "ask"})
#: languages under which the output of a program is shown
_OUTPUTS = SESSIONS | frozenset(("", "text", "txt", "plaintext", "plain", "output", "sh", "bash", "shell"))
_MODEL = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/)*MODEL\s*\(", re.IGNORECASE | re.DOTALL)


def claims_of(page: Page) -> Iterator[Claim]:
    """The claims of a page, fences first, then code spans, bindings and links, each in reading order."""
    runs = is_runbook(page)
    for fence in page.fences:
        # a runbook that is shown on another page is held to the format where it stands
        is_step = bool(_STEPS & set(fence.attributes)) and (runs or fence.location.path != page.path)
        yield Claim(Kind.STEP, fence.body, fence.location, fence=fence) if is_step else claim_of_fence(fence)
    for span in page.spans:
        yield Claim(Kind.NAME, span.text, span.location, span=span)
    for binding in page.bindings:
        yield Claim(Kind.FACT, binding.shown, binding.location, binding=binding)
    for link in page.links:
        yield Claim(Kind.LINK, link.target, link.location, link=link)


def claim_of_fence(fence: Fence) -> Claim:
    """What one fence asserts, by the first word of its info string and by what stands in it."""
    route = _LANGUAGES.get(fence.language)
    if fence.language in _OUTPUTS and is_help(fence.body):
        route = _plain(Kind.HELP)
    if route is None:
        named = f"the language {fence.language!r} has no rule" if fence.language else "the fence names no language"
        return Claim(Kind.UNKNOWN, fence.body, fence.location, fence=fence, why=named)
    return route(fence)


def _plain(kind: Kind) -> Callable[[Fence], Claim]:
    return lambda fence: Claim(kind, fence.body, fence.location, fence=fence)


def _yaml(fence: Fence) -> Claim:
    title = fence.attributes.get("title", "") or title_in(fence.body)
    # front matter that is shown on a page has its closing rule with it
    body = re.sub(r"\n---\s*\Z", "\n", fence.body) if fence.body.startswith("---\n") else fence.body
    node, problems = read_yaml(body, Dialect.DAGSTER)
    if problems and is_mkdocs_text(body, title):
        node, problems = read_yaml(body, Dialect.MKDOCS)
        title = "mkdocs.yml" if not problems else title
    kind = Kind.RUN_CONFIG if "job" in fence.attributes else route_yaml(node, title)
    if kind is Kind.SQLMESH_CONFIG:
        node, problems = read_yaml(body, Dialect.CORE)
    why = "" if kind is not Kind.UNKNOWN else "its keys belong to no known config"
    return Claim(kind, fence.body, fence.location, fence=fence, yaml=node, yaml_problems=tuple(problems), why=why)


def _json(fence: Fence) -> Claim:
    """JSON run config is what the launchpad takes too; other JSON is only held to JSON's own grammar."""
    claim = _yaml(fence)
    if claim.kind is Kind.RUN_CONFIG:
        return claim
    return Claim(Kind.JSON, fence.body, fence.location, fence=fence)


def _sql(fence: Fence) -> Claim:
    kind = Kind.MODEL if _MODEL.match(fence.body) else Kind.SQL
    return Claim(kind, fence.body, fence.location, fence=fence)


_LANGUAGES: dict[str, Callable[[Fence], Claim]] = {
    "yaml": _yaml,
    "yml": _yaml,
    "json": _json,
    "toml": _plain(Kind.TOML),
    "sql": _sql,
    "trino": _sql,
    "duckdb": _sql,
    "bigquery": _sql,
    "python": _plain(Kind.PYTHON),
    "py": _plain(Kind.PYTHON),
    "pycon": _plain(Kind.PYTHON),
    "sh": _plain(Kind.SHELL),
    "bash": _plain(Kind.SHELL),
    "shell": _plain(Kind.SHELL),
    "zsh": _plain(Kind.SHELL),
    "ksh": _plain(Kind.SHELL),
    "fish": _plain(Kind.SHELL),
    **dict.fromkeys(SESSIONS, _plain(Kind.SHELL)),
    "properties": _plain(Kind.PROPERTIES),
    "mermaid": _plain(Kind.DIAGRAM),
    "md": _plain(Kind.MARKDOWN),
    "markdown": _plain(Kind.MARKDOWN),
}
