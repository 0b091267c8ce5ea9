"""The rules told to people: one page a rule beside this file, and the reference page of the site made from them.

`python -m dagster_playbook.rules.reference` prints the reference page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Rule
from dagster_playbook.nearness import nearest
from dagster_playbook.rules import RULES

PAGES = Path(__file__).parent / "pages"

#: first letters of a code -> what its family holds
FAMILIES = {
    "DG": "Dagster",
    "FA": "Facts in prose",
    "PB": "Pages",
    "PY": "Python",
    "RB": "Runbooks",
    "SH": "Shell",
    "SM": "SQLMesh",
    "SQ": "SQL",
    "SV": "Services",
}

#: what holds the statements of the page: the examples are tests, the rest is advice
_SHOWN = "<!-- proven: tests/unit/rules/test_rule_pages.py::test_failing_example_fails -->"
_ADVICE = "<!-- opinion: advice, which nothing can check -->"

_HEAD = """\
# Rules

<!-- Made by `python -m dagster_playbook.rules.reference` from the pages beside the rules; edit those. -->

Every finding names its rule by a code, which is never reused, and by a name. Each rule stands here with what it
holds, why that matters on a running platform, and an example that fails beside one that passes. The examples are
tests: the check runs each of them against the platform of this site.

The same pages are in the terminal: `playbook explain DG101`.
"""


def find_rule(word: str, rules: Mapping[str, Rule] = RULES) -> Rule:
    """The rule of a code (any case) or kebab name.

    Raises:
        PlaybookError: there is none; the message names the nearest.
    """
    by_word = {code.lower(): rule for code, rule in rules.items()} | {rule.name: rule for rule in rules.values()}
    rule = by_word.get(word.strip().lower())
    if rule is None:
        near = nearest(word.strip(), frozenset(by_word))
        hint = f"; did you mean {by_word[near].code} {by_word[near].name}?" if near else ""
        raise PlaybookError(f"no rule is called {word!r}{hint}", cure="`playbook explain` lists them all")
    return rule


def page_of(code: str) -> str:
    """The Markdown page of a rule, "" when it has none."""
    path = PAGES / f"{code}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def advice_of(code: str) -> str:
    """What a rule's page says before its examples: what it holds, why, and what to do."""
    return page_of(code).split("\nFails:\n", maxsplit=1)[0].strip()


def reference() -> str:
    """The reference page: a table of all rules, then the page of each under the heading of its family."""
    parts = [_HEAD]
    for family, rules in groupby(RULES.values(), key=lambda rule: rule.code[:2]):
        parts += [f"## {FAMILIES.get(family, family)}\n", *_table(list(rules), family)]
    return "\n".join(parts)


def _table(rules: list[Rule], family: str) -> list[str]:
    lines = [f"{_SHOWN}\n", "| Code | Name | What it finds |", "|---|---|---|"]
    # a summary is told in plain words here: as code it would be a claim of the reference page itself
    lines += [f"| [{r.code}](#{anchor_of(r)}) | {r.name} | {r.summary.replace('`', '')} |" for r in rules]
    return ["\n".join(lines) + "\n", *(_section(rule) for rule in rules)]


def _section(rule: Rule) -> str:
    """A rule's page two heading levels down; its only heading is its first line."""
    head, _, rest = page_of(rule.code).replace("# ", "### ", 1).partition("\n\n")
    summary, why, what = "\n\n" + rest.lstrip("\n"), "\n\n**Why it matters.**", "\n\n**What to do.**"
    marked = f"\n\n{_SHOWN}{summary}".replace(why, f"\n\n{_ADVICE}{why}", 1).replace(what, f"\n\n{_ADVICE}{what}", 1)
    return head + marked


def anchor_of(rule: Rule) -> str:
    """The anchor that the site gives the heading of a rule."""
    return re.sub(r"[^\w-]+", "-", f"{rule.code} {rule.name}".lower())


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - this module is the generator of a page
