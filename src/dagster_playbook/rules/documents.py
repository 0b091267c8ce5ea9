"""Blocks of other formats: held to the real schema or loader of each, and to the file that their title names."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.yaml_loader import Dialect
from dagster_playbook.claims.yaml_text import YamlNode, read_yaml, readable
from dagster_playbook.facts.authority import TextProblem
from dagster_playbook.findings import Finding, Rule, Severity
from dagster_playbook.rules.world import World

KINDS = frozenset(
    {
        Kind.SQLMESH_CONFIG,
        Kind.DAGSTER_INSTANCE,
        Kind.WORKFLOW,
        Kind.COMPOSE,
        Kind.MKDOCS,
        Kind.PRE_COMMIT,
        Kind.JSON,
        Kind.TOML,
    }
)

BAD_INSTANCE = Rule("DG112", "invalid-instance-config", "A dagster.yaml that Dagster's instance schema refuses.")
BAD_SQLMESH = Rule("SM208", "invalid-sqlmesh-config", "A SQLMesh config that SQLMesh's own loader refuses.")
BAD_DOCUMENT = Rule("PB017", "invalid-document", "A block that the schema of its format refuses.")
EXCERPT = Rule("PB018", "excerpt-differs", "A block titled with a file of the project that the file does not contain.")

RULES = (BAD_INSTANCE, BAD_SQLMESH, BAD_DOCUMENT, EXCERPT)

_SCHEMAS = {
    Kind.WORKFLOW: "workflow",
    Kind.COMPOSE: "compose",
    Kind.MKDOCS: "mkdocs",
    Kind.PRE_COMMIT: "pre-commit",
}


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a block of one of these formats."""
    if claim.kind is Kind.JSON:
        yield from _json(claim, world)
    elif claim.kind is Kind.TOML:
        yield from _toml(claim, world)
    elif claim.yaml is not None and not claim.yaml_problems:
        yield from _yaml(claim, claim.yaml, world)


def _json(claim: Claim, world: World) -> Iterator[Finding]:
    try:
        json.loads(claim.text)
    except json.JSONDecodeError as error:
        where = claim.at(error.lineno, error.colno)
        # comments and blanks make an excerpt that people read and no program does
        is_excerpt = re.search(r"\.\.\.|…|^\s*(?://|# )", claim.text, re.MULTILINE) is not None or _is_lines(claim.text)
        severity = world.doubtful if is_excerpt else Severity.ERROR
        message = f"the block is not JSON: {error.msg}"
        yield BAD_DOCUMENT.finding(where, message, subject="json", evidence="json", severity=severity)
    except RecursionError:
        yield BAD_DOCUMENT.finding(claim.location, "the block is nested too deep to be read", subject="json")


def _is_lines(text: str) -> bool:
    """Whether each line is a document of its own, as logs and exports have them."""
    lines = [line for line in text.split("\n") if line.strip()]
    try:
        return len(lines) > 1 and all(isinstance(json.loads(line), dict | list) for line in lines)
    except (json.JSONDecodeError, RecursionError):
        return False


def _toml(claim: Claim, world: World) -> Iterator[Finding]:
    try:
        tomllib.loads(claim.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", None) or _line_told(str(error))
        # a key under one comment and again under another shows alternatives; an ellipsis says "and the rest"
        comments = len(re.findall(r"(?m)^\s*#", claim.text))
        is_alternative = "overwrite" in str(error) and comments > 1
        is_excerpt = is_alternative or re.search(r"(?m)\.\.\.(?=\s*[,\]]|\s*$)", claim.text)
        severity = world.doubtful if is_excerpt else Severity.ERROR
        message = f"the block is not TOML: {error}"
        yield BAD_DOCUMENT.finding(claim.at(line), message, subject="toml", evidence="tomllib", severity=severity)


def _line_told(message: str) -> int:
    """tomllib tells the line in words only: `... (at line 3, column 5)`."""
    _, _, rest = message.partition("(at line ")
    digits = rest.split(",")[0]
    return int(digits) if digits.isdigit() else 1


def _yaml(claim: Claim, root: YamlNode, world: World) -> Iterator[Finding]:
    if claim.kind is Kind.SQLMESH_CONFIG:
        for problem in world.authority.sqlmesh_config(readable(claim.text)).problems:
            if not _is_blank(problem, root):
                yield _placed(
                    BAD_SQLMESH, problem, claim, root, f"SQLMesh {world.facts.versions.get('sqlmesh', '')}", world
                )
    elif claim.kind is Kind.DAGSTER_INSTANCE:
        for problem in world.authority.dagster_instance(readable(claim.text)).problems:
            yield _placed(
                BAD_INSTANCE, problem, claim, root, f"Dagster {world.facts.versions.get('dagster', '')}", world
            )
    else:
        for problem in world.documents.validate(_SCHEMAS[claim.kind], root.plain()).problems:
            yield _placed(BAD_DOCUMENT, problem, claim, root, f"the schema of a {claim.kind}", world)


def _placed(rule: Rule, problem: TextProblem, claim: Claim, root: YamlNode, evidence: str, world: World) -> Finding:
    message = problem.message.split(" Expected: ")[0]
    if problem.line:
        where = claim.at(problem.line, problem.column or 1)
    else:
        where = claim.node_at(_find(root, problem.subject.split("/")))
    is_sure = rule is not BAD_SQLMESH or bool(re.search(r"no setting|Extra inputs|not permitted", message))
    severity = Severity.ERROR if is_sure else world.doubtful
    return rule.finding(where, message, subject=problem.subject, evidence=evidence, severity=severity)


def _is_blank(problem: TextProblem, root: YamlNode) -> bool:
    """Whether the problem is about a value that is a deliberate blank: `<port>`, `...`, `{{ variable }}`."""
    stack = [root]
    while stack:
        node = stack.pop()
        text = node.value if isinstance(node.value, str) else ""
        if re.search(r"\A(?:<.+>|\.\.\.|…|\[.+\])\Z|\{\{.*\}\}|__blank", text) and problem.line in (0, node.line):
            return problem.line == node.line or str(node.value) in problem.message or not problem.line
        stack += [value for _, value in node.items()] + node.elements()
    return False


def _find(node: YamlNode, path: list[str]) -> YamlNode:
    """The key node of the deepest part of the path that exists."""
    found = node
    for part in path:
        pair = next(((k, v) for k, v in node.items() if str(k.value) == part), None)
        if pair is not None:
            found, node = pair
        elif node.is_list and part.isdigit() and int(part) < len(node.elements()):
            found = node = node.elements()[int(part)]
        else:
            break
    return found


def excerpt_findings(claim: Claim, world: World) -> Iterator[Finding]:
    """A block whose `title=` is a file of the project has to be an excerpt of that file, as the file is now."""
    title = claim.fence.attributes.get("title", "") if claim.fence else ""
    text = world.files.text(title) if "/" in title or "." in title else None
    if text is None or not title or claim.kind is Kind.PROPERTIES:
        return
    part = read_yaml(claim.text)[0] if claim.kind is Kind.JSON else claim.yaml
    if part is not None:
        whole, problems = read_yaml(text, Dialect.DAGSTER)
        if whole is not None and not problems:
            yield from _subset(part, whole, (), claim, title, world)
        return
    lines = iter([line.strip() for line in text.split("\n")])
    for number, line in enumerate(claim.text.split("\n"), 1):
        wanted = line.strip()
        if wanted in ("", "...", "…", "# ...", "-- ..."):
            continue
        if wanted not in lines:
            column = len(line) - len(line.lstrip()) + 1
            where = claim.at(number, column, number, column + len(wanted))
            yield EXCERPT.finding(
                where,
                f"{title} has no such line here: {wanted[:60]!r}",
                subject=title,
                evidence=title,
                severity=world.doubtful,
            )
            return


def _subset(
    part: YamlNode, whole: YamlNode, path: tuple[str, ...], claim: Claim, title: str, world: World
) -> Iterator[Finding]:
    if part.is_map and whole.is_map:
        known = {str(k.value): v for k, v in whole.items()}
        for key, value in part.items():
            name = str(key.value)
            if name not in known:
                message = f"{title} has no key {'.'.join((*path, name))}"
                yield EXCERPT.finding(
                    claim.node_at(key), message, subject=name, evidence=title, severity=world.doubtful
                )
            else:
                yield from _subset(value, known[name], (*path, name), claim, title, world)
    elif part.is_list and whole.is_list:
        have = [item.plain() for item in whole.elements()]
        for item in part.elements():
            if item.is_map:
                # of the file's entries, the one that this was taken from is the one that differs least
                others = [other for other in whole.elements() if other.is_map]
                told = [list(_subset(item, other, path, claim, title, world)) for other in others]
                yield from min(told, key=len, default=[])
            elif item.plain() not in have:
                message = f"{title} does not list {item.text!r} under {'.'.join(path)}"
                yield EXCERPT.finding(
                    claim.node_at(item), message, subject=item.text, evidence=title, severity=world.doubtful
                )
    elif part.plain() != whole.plain() and part.text not in ("...", "…"):
        name = ".".join(path)
        message = f"{title} says {name}: {whole.text or 'another structure'}, not {part.text or 'this'}"
        yield EXCERPT.finding(claim.node_at(part), message, subject=name, evidence=title, severity=world.doubtful)
