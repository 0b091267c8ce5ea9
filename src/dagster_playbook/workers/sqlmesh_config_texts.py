"""SQLMesh config files on a page: judged by SQLMesh's own loader and classes, whole or in part."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from sqlmesh.core.config import Config
from sqlmesh.core.config.connection import CONNECTION_CONFIG_TO_TYPE
from sqlmesh.core.config.model import ModelDefaultsConfig
from sqlmesh.utils.yaml import load as yaml_load

from dagster_playbook.facts.authority import TextProblem

#: what SQLMesh says when a gateway's engine library is not installed; that is this machine's, not the page's fault
_MISSING_LIBRARY = re.compile(r"Failed to import the .* engine library|pip install|No module named|ModuleNotFoundError")
_INVALID_FIELD = re.compile(r"Invalid field '([^']+)':\s*([^\n]+)")
#: what SQLMesh would render before it reads; a page's text is never rendered, for a template can run code
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_WITHOUT_DIALECT = "Default model SQL dialect is a required"


def judge_config(text: str) -> Iterator[TextProblem]:
    """What SQLMesh has against a config.yaml; a fragment is judged for what it does say."""
    try:
        document: Any = yaml_load(_JINJA.sub(_stand_in, text), raise_if_empty=False, render_jinja=False)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield TextProblem(str(error.problem), (mark.line + 1) if mark else 0, (mark.column + 1) if mark else 0)
        return
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        yield TextProblem(f"SQLMesh cannot read it: {' '.join(str(error).split())}", 1, 1)
        return
    if not document:
        return
    if not isinstance(document, dict):
        yield TextProblem("a SQLMesh config is a mapping", 1, 1)
        return
    yield from _unknown_defaults(document, text)
    yield from _unknown_keys(document, text)
    yield from _invalid(document, text)


def _stand_in(found: re.Match[str]) -> str:
    """As many digits as the expression has characters, so that places stay and numbers stay numbers."""
    return "".join("\n" if character == "\n" else "1" for character in found.group(0))


def _unknown_defaults(document: dict[str, Any], text: str) -> Iterator[TextProblem]:
    """Model defaults that SQLMesh's loader refuses before it builds the config."""
    defaults = document.get("model_defaults")
    for name in defaults if isinstance(defaults, dict) else ():
        if name not in ModelDefaultsConfig.all_fields():
            line, column = _place(text, ("model_defaults", str(name)))
            message = f"'{name}' is not a valid model default configuration key"
            yield TextProblem(message, line, column, str(name))


def _unknown_keys(document: dict[str, Any], text: str) -> Iterator[TextProblem]:
    known = Config.all_fields() | set(Config.all_field_infos()) | _aliases()
    for name in document:
        if str(name) not in known:
            line, column = _place(text, (str(name),))
            yield TextProblem(f"SQLMesh has no setting {str(name)!r}", line, column, str(name))


def _aliases() -> set[str]:
    # env_vars is read by the loader, before the config class sees the document
    return {info.alias for info in Config.all_field_infos().values() if info.alias} | {"env_vars", "default_connection"}


def _invalid(document: dict[str, Any], text: str) -> Iterator[TextProblem]:
    known = {name: value for name, value in document.items() if not next(_unknown_keys({name: value}, ""), None)}
    defaults = known.get("model_defaults")
    if isinstance(defaults, dict):
        fields = ModelDefaultsConfig.all_fields()
        known["model_defaults"] = {name: value for name, value in defaults.items() if name in fields}
    known.pop("env_vars", None)
    gateways = known.pop("gateways", None)
    # each gateway by itself, so that an error in one does not hide those in the next
    parts = (
        [({"gateways": {name: gateway}}, ("gateways", str(name))) for name, gateway in gateways.items()]
        if isinstance(gateways, dict)
        else [({"gateways": gateways}, ("gateways",))]
        if gateways is not None
        else []
    )
    seen: set[tuple[str, int, int]] = set()
    for part, path in [(known, ()), *parts]:
        for problem in _of_part(part, path, text):
            if (key := (problem.message, problem.line, problem.column)) not in seen:
                seen.add(key)
                yield problem


def _of_part(part: dict[str, Any], path: tuple[str, ...], text: str) -> Iterator[TextProblem]:
    try:
        Config.parse_obj(part)
    except ValidationError as error:
        for detail in error.errors():
            yield from _detail(detail, text)
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        told = str(error)
        if _WITHOUT_DIALECT in told:
            return
        if _MISSING_LIBRARY.search(told):
            yield from _unknown_options(part, path, text)
            return
        yield from _of_connection(told, path, text)


def _detail(detail: Any, text: str) -> Iterator[TextProblem]:
    message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    path = tuple(str(part) for part in detail["loc"])
    if not _MISSING_LIBRARY.search(message):
        told = f"{'.'.join(path)}: {' '.join(message.split())}"
        yield TextProblem(told, *_place(text, path), subject=path[-1] if path else "")


def _of_connection(told: str, path: tuple[str, ...], text: str) -> Iterator[TextProblem]:
    """What SQLMesh's connection classes say: one problem for each field, at the field where it is written."""
    details = _INVALID_FIELD.findall(told)
    for name, message in details:
        place = _below(text, path, name)
        yield TextProblem(f"{name}: {message.strip()}", *place, subject=name)
    if not details:
        message = " ".join(told.partition(" Verify your config")[0].split())
        subject = next((name for name in re.findall(r"'([^']+)'", message) if name in text), "")
        yield TextProblem(message, *_below(text, path, "type"), subject=subject)


def _unknown_options(part: dict[str, Any], path: tuple[str, ...], text: str) -> Iterator[TextProblem]:
    """Options that a connection does not have, told without the engine's library."""
    for gateway in part.get("gateways", {}).values():
        for role, connection in gateway.items() if isinstance(gateway, dict) else ():
            kind = CONNECTION_CONFIG_TO_TYPE.get(connection.get("type", "")) if isinstance(connection, dict) else None
            for name in connection if kind else ():
                if kind and name not in kind.all_fields() and name != "type":
                    place = _place(text, (*path, str(role), str(name)))
                    message = f"a {connection['type']} connection has no option {str(name)!r}"
                    yield TextProblem(message, *place, subject=str(name))


def _below(text: str, path: tuple[str, ...], name: str) -> tuple[int, int]:
    """The key `name` of one of the connections below `path`, else the connection, else `path` itself."""
    start = _place(text, path)
    for role in ("connection", "state_connection", "test_connection", "scheduler"):
        for place in (_place(text, (*path, role, name)), _place(text, (*path, role))):
            if place != start:
                return place
    return start


def _place(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    """The key that `path` leads to, or the last one on the way that the text has."""
    try:
        node = YAML(typ="rt").load(io.StringIO(text))
    except Exception:
        return 1, 1
    place = (1, 1)
    for part in path:
        if isinstance(node, dict) and part in node and hasattr(node, "lc"):
            line, column = node.lc.key(part)
            place, node = (line + 1, column + 1), node[part]
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
    return place
