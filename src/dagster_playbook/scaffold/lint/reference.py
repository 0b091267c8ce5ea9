"""The warehouse rules told to people: a page for each rule, and the reference page of the site.

`python -m dagster_playbook.scaffold.lint.reference` prints the reference page.
"""

from __future__ import annotations

import functools
import tomllib
from itertools import groupby
from pathlib import Path

from dagster_playbook import findings
from dagster_playbook.scaffold.lint import RULES
from dagster_playbook.scaffold.lint.rule import Rule

_ADVICE = Path(__file__).with_name("advice.toml")
#: first three letters of a code -> what its rules are about
_SUBJECTS = {"WH1": "Source assets", "WH2": "Seeds", "WH3": "Staging models"}
_HEAD = """\
# Warehouse rules

<!-- Made by `python -m dagster_playbook.scaffold.lint.reference` from the rules; edit advice.toml beside them. -->

The conventions for source assets, seeds and staging models, each one held by a machine:

```sh
playbook lint-warehouse
playbook lint-warehouse --fix
```

A rule that is broken is an error and fails the command; a warning does not. What the second command cures is marked
in the tables, as far as it leaves nothing else to find. The same text for one rule is told by `playbook explain WH203`.
"""


@functools.cache
def _advice() -> dict[str, dict[str, str]]:
    return tomllib.loads(_ADVICE.read_text(encoding="utf-8"))


def rules() -> dict[str, findings.Rule]:
    """The warehouse rules by code, as the rules for pages are told."""
    return {code: findings.Rule(code, rule.name, rule.summary, rule.severity) for code, rule in RULES.items()}


def page_of(code: str) -> str:
    """The Markdown page of a rule: what it holds, why that matters, and what to do; "" when there is none."""
    rule = RULES.get(code)
    if rule is None:
        return ""
    advice = _advice()[code]
    fix = " `playbook lint-warehouse --fix` does it." if rule.is_fixable else ""
    return (
        f"# {rule.code} {rule.name}\n\n{advice['holds']}\n\n**Why it matters.** {advice['why']}\n\n"
        f"**What to do.** {advice['cure']}{fix}\n"
    )


def reference() -> str:
    """The site's page: a table and the rules' pages under each subject."""
    parts = [_HEAD]
    for key, members in groupby(RULES.values(), key=lambda rule: rule.code[:3]):
        parts += [f"## {_SUBJECTS[key]}\n", *_section(list(members))]
    return "\n".join(parts)


def _section(members: list[Rule]) -> list[str]:
    lines = ["| Code | Name | What it holds | Weight | Fix |", "|---|---|---|---|---|"]
    for rule in members:
        anchor = f"{rule.code}-{rule.name}".lower()
        holds, fix = _advice()[rule.code]["holds"], "yes" if rule.is_fixable else ""
        lines.append(f"| [{rule.code}](#{anchor}) | {rule.name} | {holds} | {rule.severity} | {fix} |")
    return ["\n".join(lines) + "\n", *(page_of(rule.code).replace("# ", "### ", 1) for rule in members)]


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - this module is the generator of a page
