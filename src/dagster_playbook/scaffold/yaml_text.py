"""YAML that every reader takes for the same: YAML 1.1 (PyYAML), YAML 1.2 (SQLMesh), and SQLMesh's Jinja before it.

`1e5`, `695e0514` and `0o7` are words to one reader and numbers to another, and `{{` begins a template. So a text stands
plain only when it is a plain word or sentence; every other one is quoted.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z_]([A-Za-z0-9_ ,.()-]*[A-Za-z0-9_.)])?")
#: words that some reader takes for a truth value, nothing, or no number
_WORDS = frozenset("true false yes no on off y n null nan inf infinity none".split())
#: what begins something in Jinja, and the same as an escape of a double-quoted text
_TEMPLATE = {"{{": r"{\x7B", "{%": r"{\x25", "{#": r"{\x23"}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    is_template = any(opening in text for opening in _TEMPLATE)
    style = None if is_plain else '"' if is_template or not text.isprintable() else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(document: Any) -> str:
    """The document as block YAML in its own order, one line a scalar."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9)
    for opening, escaped in _TEMPLATE.items():
        text = text.replace(opening, escaped)
    return text
