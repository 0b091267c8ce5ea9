"""Run configs as people write and mistake them, and what the builder, the check and Dagster say of each.

`python tests/site/builder_agreement.py SITE_FOLDER 1000` compares a thousand of them; a disagreement is exit code 1.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from dagster_playbook.check import Checker
from dagster_playbook.check.config_files import config_page
from dagster_playbook.check.page_check import check_page
from dagster_playbook.platform.live_authority import LiveAuthority
from dagster_playbook.settings import load_settings

PROJECT = Path(__file__).resolve().parents[2]
#: rules by which Dagster itself would refuse; the others are the platform's own
SCHEMA_RULES = frozenset({"DG101", "DG102", "DG103", "DG105", "DG111", "PB013"})
ASK = """texts => texts.map(([text, job]) => {
  const found = new PlaybookCheck.Checker(PLAYBOOK).check(text, job);
  const codes = [...new Set(found.findings.map(one => one.code))].sort();
  return {codes, unknown: found.unknown, blanks: found.blanks};
})"""

#: jobs, ops, fields, texts and bare YAML values, right and mistaken; one that is likely stands several times
_POOLS = json.loads(Path(__file__).with_name("builder_pools.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Case:
    """A text, the job it is for ("" when that is told by its ops), and the line that made it."""

    text: str
    job: str


def cases(count: int, seed: int = 14) -> Iterator[Case]:
    """That many configs; the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        job = chance.choice(("", *_POOLS["jobs"]))
        op = chance.choice(_POOLS["ops"])
        if chance.random() < 0.6:
            op = "nessie__assign_consumer_tag" if "tag_job" in job else "sqlmesh_project"
        fields = chance.sample(_POOLS["fields"], chance.randint(0, 4))
        lines = ["ops:", f"  {op}:", "    config:"]
        for field in fields:
            lines += _field(chance, field)
        yield Case("\n".join(_damaged(chance, lines)) + "\n", job)


def _field(chance: random.Random, name: str) -> Iterator[str]:
    style = chance.random()
    if style < 0.35 or (name.endswith(("models", "categories")) and style < 0.75):
        yield f"      {name}:"
        dash = chance.choice(("        ", "      "))
        yield from (f"{dash}- {_text(chance)}" for _ in range(chance.randint(0, 3)))
    elif style < 0.8:
        yield f"      {name}: {_text(chance)}"
    else:
        yield f"      {name}: {chance.choice(_POOLS['plain'])}"


def _text(chance: random.Random) -> str:
    text = chance.choice(_POOLS["texts"])
    return chance.choice((text or "''", f'"{text}"', f"'{text}'", text or '""'))


def _damaged(chance: random.Random, lines: list[str]) -> list[str]:
    """Most are left alone; the rest get what happens to YAML on its way through a chat."""
    kind, at = chance.random(), chance.randrange(len(lines))
    if kind < 0.03:
        return [*lines[:at], " " + lines[at], *lines[at + 1 :]]
    if kind < 0.05:
        return [*lines[:at], lines[at].replace("  ", "\t", 1), *lines[at + 1 :]]
    if kind < 0.07:
        return [*lines[: at + 1], *lines[at:]]
    if kind < 0.09:
        return ["# from a ticket", *lines, "", "resources:", "  io_manager: {}"]
    if kind < 0.1:
        return ["loggers: {console: {config: {log_level: INFO}}}", *lines]
    if kind < 0.11:
        return [line.replace(":", "", 1) if number == at else line for number, line in enumerate(lines)]
    return lines


class Authorities:
    """The check and Dagster itself, each asked in the same way as by the rest of the program."""

    def __init__(self) -> None:
        self.checker = Checker(load_settings(PROJECT))
        self.dagster = LiveAuthority(self.checker.settings)

    def codes(self, case: Case) -> list[str]:
        """The rules that the check has findings of."""
        verdict = check_page(config_page("config.yaml", case.text, case.job), self.checker.world, seconds=30)
        found = {finding.rule for finding in verdict.findings}
        # what cannot be read cannot be told to be run config either
        return sorted(found - {"PB001"} if "PB013" in found else found)

    def accepts(self, case: Case, job: str) -> bool:
        """Dagster's own verdict."""
        return not self.dagster.validate_run_config(job, case.text).problems


def disagreements(page: Page, asked: list[Case], authorities: Authorities) -> tuple[list[str], int]:
    """What the builder tells otherwise than the check or Dagster, and how many cases it leaves to them."""
    told: list[dict[str, Any]] = page.evaluate(ASK, [[case.text, case.job] for case in asked])
    wrong, left = [], 0
    for case, builder in zip(asked, told, strict=True):
        if builder["unknown"]:
            left += 1
            continue
        codes = authorities.codes(case)
        if codes != builder["codes"]:
            wrong.append(f"{case!r}\n  builder {builder['codes']}, check {codes}")
        if builder["blanks"]:
            # a page may hold blanks, Dagster takes them for values, and the builder asks for them
            continue
        if case.job in authorities.checker.facts.jobs and "PB014" not in codes:
            accepted = authorities.accepts(case, case.job)
            if accepted == bool(SCHEMA_RULES & set(builder["codes"])):
                wrong.append(f"{case!r}\n  builder {builder['codes']}, Dagster {'takes' if accepted else 'refuses'} it")
    return wrong, left


def main(folder: str, count: int) -> int:
    """Compare, and print what differs."""
    import chromium

    program, _ = chromium.find()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(Path(folder, "builder.html").resolve().as_uri())
        wrong, left = disagreements(page, list(cases(count)), Authorities())
        browser.close()
    print("\n".join(wrong))  # noqa: T201 - this is its output
    print(f"{count} configs, {len(wrong)} disagreements, {left} left to the real tools")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
