"""What plain files say of the services around the platform: catalogs, references, make targets, the instance.

Nothing here is asked over a network: the files are what the services are started with.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.facts import CatalogFact, RefFact
from dagster_playbook.location import lines_of

_REF_IN_URI = re.compile(r"/iceberg/([^/?#]+)/?(?:[?#].*)?$")
_SECRET = re.compile(r"(?i)secret|password|token|credential|access-key|private")
#: a target rule; assignments (`:=`, `=`), recipes and comments do not start one
_RULE = re.compile(r"^(?P<targets>[^\s#=:][^#=:]*?)\s*::?(?!=)(?P<rest>.*)$")
_REF_KINDS = ("BRANCH", "TAG")


def read_catalogs(root: Path, folder: str) -> dict[str, CatalogFact]:
    """Trino catalogs by the names of their property files.

    Raises:
        PlatformError: the folder is missing, or a line is neither a property nor a comment.
    """
    if not folder:
        return {}
    if not (root / folder).is_dir():
        raise PlatformError("there is no folder of Trino catalogs", cure="set catalogs in pyproject.toml", path=folder)
    return {path.stem: _catalog(root, path) for path in sorted((root / folder).glob("*.properties"))}


def _catalog(root: Path, path: Path) -> CatalogFact:
    relative = path.relative_to(root).as_posix()
    properties = _properties(_text(path, relative), relative)
    uri = next((properties[key] for key in sorted(properties) if key.endswith("catalog.uri")), "")
    found = _REF_IN_URI.search(uri)
    ref = found.group(1) if found else properties.get("iceberg.nessie-catalog.ref", "")
    shown = {k: "***" if _SECRET.search(k) and not v.startswith("${ENV:") else v for k, v in properties.items()}
    return CatalogFact(path.stem, ref, properties.get("iceberg.catalog.type", ""), shown, relative)


def _properties(text: str, path: str) -> dict[str, str]:
    properties: dict[str, str] = {}
    for number, line in enumerate(lines_of(text), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", "!")):
            continue
        key, separator, value = stripped.partition("=")
        if not separator:
            cure = "write each line as key=value"
            raise PlatformError("this line of a property file is no property", cure=cure, path=path, line=number)
        properties[key.strip()] = value.strip()
    return properties


def read_references(root: Path, path: str) -> dict[str, RefFact]:
    """Nessie references from a JSON object, name to kind: `{"main": "BRANCH", "consumer": "TAG"}`.

    A kind may also be an object with `kind` and `hash`.

    Raises:
        PlatformError: the file is missing or is no such object.
    """
    if not path:
        return {}
    cure = 'write an object such as {"main": "BRANCH", "consumer": "TAG"}'
    try:
        document = json.loads(_text(root / path, path))
    except json.JSONDecodeError as error:
        raise PlatformError(f"is no JSON: {error.msg}", cure=cure, path=path, line=error.lineno) from error
    if not isinstance(document, dict):
        raise PlatformError("is no JSON object", cure=cure, path=path)
    return {name: _reference(name, value, path, cure) for name, value in document.items()}


def _reference(name: str, value: Any, path: str, cure: str) -> RefFact:
    kind = value.get("kind") if isinstance(value, dict) else value
    if kind not in _REF_KINDS:
        raise PlatformError(f"the reference {name!r} has the kind {kind!r}, not BRANCH or TAG", cure=cure, path=path)
    return RefFact(name, kind, str(value.get("hash", "")) if isinstance(value, dict) else "")


def read_make_targets(root: Path, path: str) -> tuple[str, ...]:
    """The targets of a Makefile that can be asked for by name; no pattern rules, no special targets."""
    if not path or not (root / path).is_file():
        return ()
    targets: dict[str, None] = {}
    text = _text(root / path, path).replace("\\\n", " ")
    for line in lines_of(text):
        found = _RULE.match(line)
        if not found:
            continue
        names, rest = found["targets"].split(), found["rest"]
        if names == [".PHONY"]:
            names = rest.partition("#")[0].split()
        targets |= {name: None for name in names if not name.startswith(".") and not set("%$()") & set(name)}
    return tuple(sorted(targets))


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        cure = "restore the file, or take it out of [tool.playbook]"
        raise PlatformError(f"cannot be read: {error.strerror}", cure=cure, path=shown) from error
    except UnicodeDecodeError as error:
        raise PlatformError("is not UTF-8", cure="save it as UTF-8", path=shown) from error
