"""Other formats, each asked of its real authority: published JSON Schemas, MkDocs' own config classes, ruff.

A schema's patterns and MkDocs' option classes see what a page says, so they run in a sandboxed child (see `isolation`).
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from dagster_playbook.errors import UnjudgedError
from dagster_playbook.extras import needed
from dagster_playbook.facts.authority import TextAnswer, TextProblem
from dagster_playbook.isolation.isolation import Isolated
from dagster_playbook.static_python.python_modules import Is, Modules

#: how long ruff may take for one block
LINT_TIMEOUT_S = 10
#: what ruff is asked for in documentation: names and syntax that are wrong, not style
LINT_RULES = ("E9", "F50", "F52", "F6", "F70", "F82", "B006")

_PRE_COMMIT: dict[str, Any] = {
    "type": "object",
    "required": ["repos"],
    "properties": {
        "repos": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["repo", "hooks"],
                "properties": {
                    "repo": {"type": "string"},
                    "rev": {"type": "string"},
                    "hooks": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
                    },
                },
                "additionalProperties": False,
            },
        }
    },
}


class InstalledDocuments:
    """Answers from what is installed; nothing is fetched."""

    def __init__(self) -> None:
        self._child = Isolated(lambda kind, arguments: [asdict(item) for item in _problems(kind, arguments[0])])

    def validate(self, kind: str, data: object) -> TextAnswer:
        """See `Documents.validate`.

        Raises:
            UnjudgedError: the question failed.
            MissingExtraError: MkDocs is not installed.
        """
        if kind == "mkdocs":
            with needed("mkdocs", "checking MkDocs configs"):
                import mkdocs  # noqa: F401 - whether it is there
        # a key such as 1 or true is text in JSON, which is how the child is told
        return TextAnswer(tuple(TextProblem(**item) for item in self._child.ask(kind, _keys_as_text(data))))

    def lint_python(self, text: str) -> TextAnswer:
        """See `Documents.lint_python`.

        Raises:
            UnjudgedError: ruff does not answer.
            MissingExtraError: ruff is not installed.
        """
        with needed("ruff", "checking Python blocks for names and syntax"):
            from ruff.__main__ import find_ruff_bin
        # isolated: the verdict on a page does not depend on the style of the project that it stands in
        arguments = ("--isolated", "--output-format=concise", f"--select={','.join(LINT_RULES)}")
        command = [find_ruff_bin(), "check", "-", "--target-version=py311", *arguments]
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, encoding="utf-8", check=False, timeout=LINT_TIMEOUT_S
            )
        except (subprocess.TimeoutExpired, OSError, UnicodeEncodeError) as error:
            raise UnjudgedError(f"ruff could not be asked: {type(error).__name__}") from error
        if done.returncode not in (0, 1):
            raise UnjudgedError(f"ruff ended with code {done.returncode}")
        return TextAnswer(tuple(_ruff_problems(done.stdout)))


def _problems(kind: str, data: Any) -> list[TextProblem]:
    if kind == "mkdocs":
        return _mkdocs_problems(data)
    if kind == "pre-commit" and isinstance(data, list):
        data = {"repos": [{"repo": "local", "hooks": data}]}
    return _schema_problems(_schema(kind), data)


def _ruff_problems(output: str) -> list[TextProblem]:
    """The lines of ruff's concise output, each `path:line:column: CODE message`."""
    found = re.findall(r":(\d+):(\d+): ([A-Z]+\d+|invalid-syntax):? (?:\[\*\] )?(.*)", output)
    return [TextProblem(message, int(line), int(column), code) for line, column, code, message in found]


@cache
def _schema(kind: str) -> dict[str, Any]:
    if kind == "pre-commit":
        return _PRE_COMMIT
    import check_jsonschema

    name = {"workflow": "github-workflows.json", "compose": "compose-spec.json"}[kind]
    folder = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    loaded: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return loaded


def _schema_problems(schema: dict[str, Any], data: Any) -> list[TextProblem]:
    from jsonschema import validators

    validator = validators.validator_for(schema)(schema)
    problems = []
    for error in validator.iter_errors(data):
        closest = _closest(error)
        extra = re.search(r"\('([^']+)' was unexpected", closest.message)
        parts = [*closest.absolute_path, *([extra[1]] if extra else [])]
        path = "/".join(str(part) for part in parts)
        problems.append(TextProblem(f"{path or 'the block'}: {closest.message.splitlines()[0][:160]}", subject=path))
    return problems


def _closest(error: Any) -> Any:
    """Of the alternatives that all failed, the error that lies deepest: the alternative that was probably meant."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.absolute_path), e.validator == "additionalProperties"))
    return error


def _keys_as_text(data: Any) -> Any:
    """YAML 1.1 reads the key `on` of a workflow as true; GitHub reads it as text."""
    if isinstance(data, dict):
        return {("on" if key is True else str(key)): _keys_as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_keys_as_text(item) for item in data]
    return data


def _mkdocs_problems(data: object) -> list[TextProblem]:
    """MkDocs' own config options; what only a whole site can have (its folders, its plugins' files) is not asked.

    Nor is what MkDocs would import: a hook is a file that runs, and an extension may be any module.
    """
    from mkdocs.config.defaults import MkDocsConfig

    if not isinstance(data, dict):
        return [TextProblem("an MkDocs config is a mapping")]
    config = MkDocsConfig()
    judged = {key: value for key, value in data.items() if key not in ("hooks", "INHERIT")}
    if isinstance(theme := judged.get("theme"), dict):
        # an excerpt shows what it speaks of: the name may stand elsewhere, and the folder only where the site is
        shown = {key: value for key, value in theme.items() if key != "custom_dir" and (key, value) != ("name", None)}
        judged["theme"] = {"name": "mkdocs", **shown}
    unknown: list[TextProblem] = []
    if isinstance(extensions := judged.get("markdown_extensions"), list):
        judged["markdown_extensions"] = [item for item in extensions if _is_known(_extension(item))]
        names = {name for name in map(_extension, extensions) if not _is_known(name)}
        message = "markdown_extensions: Failed loading extension {!r}: there is no such module"
        absent = sorted(name for name in names if Modules(()).module(name).kind is Is.ABSENT)
        unknown = [TextProblem(message.format(name), subject="markdown_extensions") for name in absent]
    config.load_dict({"site_name": "excerpt", **judged})
    failed, warnings = config.validate()
    # a theme may be installed where the site is built, and not here
    told = [(key, error) for key, error in (*failed, *warnings) if key in data and "theme name" not in str(error)]
    return [*unknown, *(TextProblem(f"{key}: {str(error).splitlines()[0]}", subject=str(key)) for key, error in told)]


def _extension(item: object) -> str:
    """The name of an entry of `markdown_extensions`, which may carry its options; "" for what is none."""
    name = next(iter(item), "") if isinstance(item, dict) and len(item) == 1 else item
    return name.partition(":")[0] if isinstance(name, str) else ""


def _is_known(extension: str) -> bool:
    """Whether it is of a package that is there to extend Markdown, so that importing it is no page's doing."""
    return not extension or extension in _registered() or extension.partition(".")[0] in ("markdown", "pymdownx")


@cache
def _registered() -> frozenset[str]:
    return frozenset(entry.name for entry in metadata.entry_points(group="markdown.extensions"))
