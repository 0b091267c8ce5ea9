"""The files of the built site: links, bars of steps, marks, pages of the platform."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from dagster_playbook.check.result import PageSummary
from dagster_playbook.claims.runbook_model import Kind, Step
from dagster_playbook.findings import Finding, Severity
from dagster_playbook.location import Location
from dagster_playbook.site.lineage import Graph
from dagster_playbook.site.marks import mark, state_of
from dagster_playbook.site.refusals import GROUPS, refusals
from dagster_playbook.site.sources import Sources
from dagster_playbook.site.terms import Terms

TASKS = Path(__file__).with_name("tasks.json")
PROJECT = Path(__file__).resolve().parents[2]
HELD = PageSummary("docs/x.md", ("docs/x.md",), 2, 3, 5, 0, ())
FOUND = Finding(Location("docs/x.md", 1, 1), "DG101", "unknown-config-key", "no such key")


@pytest.fixture(scope="module")
def sources() -> Sources:
    """What the build reads, once."""
    return Sources(PROJECT, "https://example.org/playbook")


@cache
def text_of(file: Path) -> str:
    """A page of the site."""
    return file.read_text(encoding="utf-8")


def test_every_link_and_anchor_of_the_site_leads_somewhere(site_folder: Path) -> None:
    """Each link of each page, of pictures too, is a file of the site, and its anchor stands there."""
    dead = []
    for file in sorted(site_folder.rglob("*.html")):
        # the page for an address that is not there is shown at any depth, so its links begin at the root
        for found in set(re.findall(r'<a\b[^<>]*?\shref="([^"]*)"', text_of(file))):
            path, _, anchor = html.unescape(found).partition("#")
            if re.match(r"\w+:", path):
                continue
            base = site_folder if path.startswith("/") else file.parent
            target = (base / unquote(path).lstrip("/")).resolve() if path else file
            is_state = "=" in anchor or anchor.startswith("__")
            if not target.exists() or (anchor and not is_state and f'id="{anchor}"' not in text_of(target)):
                dead.append(f"{file.name}: {found}")
    assert dead == []


@pytest.mark.parametrize(("task", "page", "texts"), json.loads(TASKS.read_text(encoding="utf-8")))
def test_each_task_ends_well_in_two_clicks(site_folder: Path, task: str, page: str, texts: list[str]) -> None:
    """From the home page at most two links lead to the page of a task, and it holds what the task needs."""
    reached = {site_folder / "index.html"}
    for _ in range(2):
        for file in list(reached):
            links = re.findall(r'<a\b[^<>]*?\shref="([^":#]+\.html)', text_of(file).partition("<article")[2])
            reached |= {(file.parent / unquote(link)).resolve() for link in links}
    assert site_folder.resolve() / page in {file.resolve() for file in reached}, task
    words = html.unescape(re.sub(r"</?(?:span|a|code)[^>]*>", "", text_of(site_folder / page)))
    assert [text for text in texts if text not in words] == []


def test_the_bar_above_a_step_says_kind_expectation_failure_and_approval(sources: Sources, site_folder: Path) -> None:
    """What the front matter and attributes say stands above the block of each step of each runbook."""
    for path, runbook in sources.runbooks.items():
        page = text_of(site_folder / path.replace(".md", ".html"))
        for step in runbook.steps:
            bar, frame = block_of(page, step)
            kind = "changes" if step.is_mutating else "asks" if step.kind is Kind.ASK else "looks"
            assert bar.startswith(f"{kind} {step.id}:")
            assert step.expect in bar
            assert (f"goes on with {step.on_failure}" if step.on_failure else "the run stops") in bar
            assert not step.approve or f"needs approval by {step.approve}" in bar
            is_question = step.kind in {Kind.ASK, Kind.NESSIE, Kind.DAGSTER, Kind.FACTS}
            assert not (is_question or step.approve) or ("no-copy" in frame and "pb-open" not in frame)


def block_of(page: str, step: Step) -> tuple[str, str]:
    """The text of the bar above a step, and the tag of its block."""
    found = re.search(rf'<ul class="pb-bar[^>]*>(.*?)</ul><div id="{step.id}"([^>]*)>', page, re.DOTALL)
    bars = page[: found.end()].rpartition('<ul class="pb-bar') if found else None
    assert bars is not None, step.id
    return html.unescape(re.sub("<[^>]*>", " ", bars[2].partition(">")[2])).strip().replace("  ", " "), found[2]


def test_config_that_the_launchpad_refuses_says_so_and_has_no_copy_button(site_folder: Path) -> None:
    """Each block of the pages that restates stands below its refusal, and leads to the runbook that may do it."""
    for name in ("restatements", "sqlmesh-integration"):
        page = text_of(site_folder / "playbook" / f"{name}.html")
        for frame in re.findall(
            r'<div class="pb-block">.*?</div>(?:<p class="pb-build">.*?</p>)?</div>', page, re.DOTALL
        ):
            restates = "restate_models" in frame.rpartition("pb-build")[0] or ">true<" in frame
            assert restates == ("needs an approval, and this run carries none" in frame)
            assert restates == ("no-copy" in frame)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (HELD, "held"),
        (None, "unchecked"),
        (replace(HELD, findings=(FOUND,)), "failing"),
        (replace(HELD, findings=(replace(FOUND, severity=Severity.WARNING),)), "failing"),
        (replace(HELD, unjudged={"selectors": 1}), "unchecked"),
    ],
)
def test_only_what_the_check_has_seen_whole_is_verified(
    sources: Sources, verdict: PageSummary | None, state: str
) -> None:
    """A page with a finding, even a doubt, with something unjudged, or without a verdict does not show as verified."""
    tried = Sources(PROJECT)
    tried.__dict__["result"] = sources.result
    tried.__dict__["verdicts"] = {"docs/x.md": verdict} if verdict else {}
    assert state_of(verdict)[0] == state
    assert (">Verified<" in mark(tried, "docs/x.md")) is (state == "held")


def test_the_mark_of_each_page_is_that_of_the_check(sources: Sources, site_folder: Path) -> None:
    """Every page of the site ends with one mark, and says verified exactly when the check holds it."""
    for file in site_folder.rglob("*.html"):
        if file.name == "404.html":
            continue
        path = f"docs/{file.relative_to(site_folder).with_suffix('.md').as_posix()}"
        page = text_of(file)
        assert page.count('class="pb-mark"') == 1, path
        assert (">Verified<" in page) is (state_of(sources.verdicts.get(path))[0] == "held"), path


def test_each_model_and_job_has_a_page_with_its_facts(sources: Sources, site_folder: Path) -> None:
    """Columns, kind, tags and everything downstream of a model, the config of a job."""
    graph = Graph(sources.facts)
    for fqn, model in graph.models.items():
        page = text_of(site_folder / "platform" / "models" / f"{model.name}.html")
        for said in (model.kind, *model.tags, *model.columns):
            assert f">{said}" in page or said in page, (model.name, said)
        drawn = set(re.findall(r'data-model="([^"]*)"', page))
        assert {graph.models[below].name for below in graph.downstream(fqn)} <= drawn
    job = text_of(site_folder / "platform" / "jobs" / "sqlmesh_restate_project_assets.html")
    assert "restate_entity_categories" in job.partition('id="preset"')[2]


def test_each_refusal_of_the_code_is_found_by_its_words(sources: Sources, site_folder: Path) -> None:
    """The page holds every text that the code raises, and the refusals that people meet most are among them."""
    page = html.unescape(re.sub("<[^>]*>", "", text_of(site_folder / "troubleshooting.html")))
    texts = [each.text for _, places in GROUPS for each in refusals(PROJECT, places)]
    assert [text for text in texts if text not in page] == []
    assert "the op … needs an approval, and this run carries none" in texts
    assert len(texts) > 100


def test_a_term_shows_its_meaning_once_and_never_inside_of_code() -> None:
    """The first place of a term in a text is marked; code, links and headings are left as they are."""
    terms = Terms({"run config": "The YAML.", "mart": "Read by consumers."})
    given = "<h2>Marts</h2><p><code>mart</code> Run config of marts, a mart <a>run config</a></p>"
    wanted = (
        '<h2>Marts</h2><p><code>mart</code> <abbr title="The YAML.">Run config</abbr> of '
        '<abbr title="Read by consumers.">marts</abbr>, a mart <a>run config</a></p>'
    )
    assert terms.marked(given) == wanted
