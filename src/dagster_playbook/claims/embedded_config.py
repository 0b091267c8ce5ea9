"""Run config that stands inside another text: JSON in an option of a command, a dict literal in Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.claims.shell import Word
from dagster_playbook.claims.yaml_loader import Dialect
from dagster_playbook.claims.yaml_text import BLANK, YamlNode, map_node, read_yaml

_ROOT_KEYS = frozenset("ops resources execution loggers inputs graph solids".split())
_OP_KEYS = frozenset("config inputs outputs ops graph solids".split())
#: calls whose first argument is the name of a job
_JOB_GETTERS = frozenset({"get_job_def", "get_job", "resolve_job_def"})


@dataclass(frozen=True, slots=True)
class EmbeddedConfig:
    """A run config and the job beside it, "" when none stands there; `is_partial` when some of it is computed."""

    node: YamlNode
    job: str = ""
    is_partial: bool = False


def claim_of_word(claim: Claim, word: Word, job: str) -> Claim:
    """A claim about the JSON in a word of a shell block; the places are those of the word's letters."""
    # the same lines and columns as in the block: what stands before the word is blank
    quote = 1 if word.end_column - word.column != len(word.text) else 0
    padded = "\n" * (word.line - 1) + " " * (word.column - 1 + quote) + word.text
    node, problems = read_yaml(padded, Dialect.DAGSTER)
    return replace(claim, kind=Kind.RUN_CONFIG, yaml=node, yaml_problems=tuple(problems), job=job)


def claims_in_python(claim: Claim, source: str) -> Iterator[tuple[Claim, EmbeddedConfig]]:
    """A claim for each dict literal of a Python block that has the shape of a run config."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for found in _configs(tree, source.split("\n")):
        yield replace(claim, kind=Kind.RUN_CONFIG, yaml=found.node, yaml_problems=(), job=found.job), found


def _configs(tree: ast.Module, lines: list[str]) -> Iterator[EmbeddedConfig]:
    jobs = {
        id(keyword.value): _job_of(call)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict) and _is_run_config(node):
            reader = _Reader(lines)
            yield EmbeddedConfig(reader.node(node), jobs.get(id(node), ""), reader.is_partial)


def _is_run_config(node: ast.Dict) -> bool:
    keys = _keys(node)
    ops = next((value for key, value in zip(node.keys, node.values, strict=True) if _text(key) == "ops"), None)
    if not keys or not keys <= _ROOT_KEYS or not isinstance(ops, ast.Dict) or not ops.values:
        return False
    bodies = [value for value in ops.values if isinstance(value, ast.Dict)]
    return len(bodies) == len(ops.values) and all(_keys(body) and _keys(body) <= _OP_KEYS for body in bodies)


def _keys(node: ast.Dict) -> set[str]:
    return {_text(key) for key in node.keys}


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _job_of(call: ast.Call) -> str:
    """`RunRequest(job_name="x", ...)` and `defs.get_job_def("x").execute_in_process(...)` name their job."""
    named = next((_text(keyword.value) for keyword in call.keywords if keyword.arg == "job_name"), "")
    if named:
        return named
    for inner in ast.walk(call.func):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _JOB_GETTERS:
            return _text(inner.args[0]) if inner.args else ""
    return ""


class _Reader:
    """Literals as nodes with their places; what is computed is a blank."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.is_partial = lines, False

    def node(self, item: ast.expr) -> YamlNode:
        place = self._place(item)
        if isinstance(item, ast.Dict):
            pairs = []
            for key, value in zip(item.keys, item.values, strict=True):
                if key is None or not _text(key):
                    self.is_partial = True
                else:
                    pairs.append((self.node(key), self.node(value)))
            return map_node(pairs, *place)
        if isinstance(item, ast.List | ast.Tuple):
            return YamlNode([self.node(each) for each in item.elts if not isinstance(each, ast.Starred)], *place)
        try:
            value = ast.literal_eval(item)
        except (ValueError, TypeError):
            return YamlNode(BLANK, *place, text=BLANK)
        return YamlNode(value, *place, text=str(value), is_quoted=isinstance(value, str))

    def _place(self, item: ast.expr) -> tuple[int, int, int, int]:
        end_line, end_offset = item.end_lineno or item.lineno, item.end_col_offset or item.col_offset
        return item.lineno, self._column(item.lineno, item.col_offset), end_line, self._column(end_line, end_offset)

    def _column(self, line: int, offset: int) -> int:
        """ast counts bytes, people count characters; 1-based."""
        return len(self.lines[line - 1].encode()[:offset].decode("utf-8", "ignore")) + 1
