"""The line that opens a fence: which marks, which language and options, and whether superfences accepts them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dagster_playbook.markdown.attributes import read_attributes

_MARKS = re.compile(r"~{3,}|`{3,}")
_LANGUAGE = re.compile(r"[ \t]*\.?([\w#.+-]+)(?=[\t ]|$)")
_BRACED = re.compile(r"[ \t]*\{(.*)\}[ \t]*$")
_NAME = re.compile(r"[ \t]*[a-zA-Z][a-zA-Z0-9_]*")
_OPTION = re.compile(r"""([a-zA-Z][a-zA-Z0-9_]*)(?:=(?:"([^"]*)"|'([^']*)'))?""")
_HL_LINES = re.compile(r"\d+(?:-\d+)?(?:[ \t]+\d+(?:-\d+)?)*$")
_LINENUMS = re.compile(r"\d+")

_MAX_INFO = 4096
"""An info string longer than this is not read: it is no fence anybody writes on purpose."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening fence.

    Attributes:
        marks: the run of backticks or tildes; the closing fence has to be the same run.
        info: what follows the marks, stripped.
        language: lower case, "" when there is none.
        attributes: options or braced attributes; a bare word maps to "", further classes are under `class`.
        refusal: why superfences takes the line for text, or "".
    """

    marks: str
    info: str
    language: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    refusal: str = ""


def parse_opening(text: str) -> Opening | None:
    """Read the line from its first mark on; None when it has fewer than three marks."""
    found = _MARKS.match(text)
    if not found:
        return None
    marks = found.group()
    rest = text[found.end() :].rstrip(" \t")
    info = rest.strip()
    if len(info) > _MAX_INFO:
        return Opening(marks, info, refusal=f"its info string is longer than {_MAX_INFO} characters")
    language = _LANGUAGE.match(rest)
    word = language.group(1) if language else ""
    tail = rest[language.end() :] if language else rest
    if not tail:
        return Opening(marks, info, word.lower())
    if braced := _BRACED.match(tail):
        return _braced(marks, info, word, braced.group(1))
    if _are_options(tail):
        return _options(marks, info, word, tail)
    return Opening(marks, info, word.lower(), refusal=f"it does not understand {tail.strip()!r}")


def _braced(marks: str, info: str, word: str, text: str) -> Opening:
    attributes: dict[str, str] = {}
    classes: list[str] = []
    for key, value in read_attributes(text.replace("\t", "    "))[0]:
        if key == ".":
            classes.append(value)
        else:
            attributes[key] = value
    if not word and classes:
        word = classes.pop(0)
    if classes:
        attributes["class"] = " ".join([*classes, *attributes.get("class", "").split()])
    return Opening(marks, info, word.lower(), attributes)


def _are_options(text: str) -> bool:
    """Whether the text is a row of `name` and `name="value"`, each followed by a blank or the end.

    A value may hold its own quote mark; so every quote mark before a blank may end it. One pass decides.
    """
    boundaries = {0}
    opened: dict[int, str] = {}
    closers: set[str] = set()
    for index, character in enumerate(text):
        if index in boundaries and (name := _NAME.match(text, index)):
            stop = name.end()
            if text[stop : stop + 1] in ("", " ", "\t"):
                boundaries.add(stop)
            elif text[stop : stop + 2] in ('="', "='"):
                opened[stop + 2] = text[stop + 1]
        if index in opened:
            closers.add(opened[index])
        if character in closers and text[index + 1 : index + 2] in ("", " ", "\t"):
            boundaries.add(index + 1)
    return len(text) in boundaries


def _options(marks: str, info: str, word: str, text: str) -> Opening:
    attributes: dict[str, str] = {}
    for found in _OPTION.finditer(text):
        key, double, single = found.groups()
        value = double if double is not None else single
        attributes[key] = key if value is None else value
    for key, value in attributes.items():
        if not _is_accepted(key, value):
            hint = "write it in braces, { .language key=value }, to keep it"
            return Opening(marks, info, word.lower(), attributes, f"it has no option {key}={value!r}; {hint}")
    return Opening(marks, info, word.lower(), attributes)


def _is_accepted(key: str, value: str) -> bool:
    if key == "hl_lines":
        return _HL_LINES.match(value) is not None
    if key == "linenums":
        return _LINENUMS.match(value) is not None
    return key in ("title", "title_mode")
