"""The launchpad builder in a browser: its verdict is that of Dagster and of the check, and its command runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder_agreement import Authorities, Case, cases, disagreements
from playwright.sync_api import Browser, Page, expect

from dagster_playbook.claims.runbook import parse
from dagster_playbook.facts.recorded_selector import RecordedSelector
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.runbook.parameters import read_values

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def authorities() -> Authorities:
    """The check and Dagster, started once."""
    return Authorities()


@pytest.fixture
def builder(browser: Browser, site_folder: Path) -> Iterator[Page]:
    """The builder as a file, with no network at all."""
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site_folder / "builder.html").as_uri())
    yield page
    context.close()
    assert errors == []


def test_on_generated_configs_nobody_says_otherwise(builder: Page, authorities: Authorities) -> None:
    """On 100 configs, right, mistaken and damaged, builder, check and Dagster never disagree; few are left open."""
    wrong, left = disagreements(builder, list(cases(100, seed=7)), authorities)
    assert wrong == []
    assert left <= 20


def test_on_each_config_of_the_pages_nobody_says_otherwise(
    builder: Page, authorities: Authorities, project: Path
) -> None:
    """Every block of run config on the site is judged, none is left open, and all three say the same."""
    found = []
    for path in sorted((project / "docs").rglob("*.md")):
        page = read_page(project, path.relative_to(project).as_posix())
        fences = [fence for fence in page.fences if fence.language == "yaml" and fence.body.startswith("ops:")]
        found += [Case(fence.body + "\n", fence.attributes.get("job", "")) for fence in fences]
    wrong, left = disagreements(builder, found, authorities)
    assert len(found) > 8
    assert (wrong, left) == ([], 0)


@pytest.mark.parametrize(
    "entry", ["oso.stg_pypi__projects", "oso.int_*", "tag:entity_category=collection", "(*_v1 & ^oso.p*)"]
)
def test_what_it_touches_is_the_selection_with_all_downstream(
    builder: Page, authorities: Authorities, entry: str
) -> None:
    """The models in the table are those that SQLMesh's selector and the graph give."""
    builder.locator("#pb-field-sqlmesh_project-restate_models").fill(entry)
    facts = authorities.checker.facts
    selector = RecordedSelector(facts)
    chosen = frozenset(facts.models[name].fqn for name in selector.select(entry).models)
    wanted = sorted(selector.models[fqn].name for fqn in selector.directed(chosen, is_up=False, is_down=True))
    shown = builder.locator(".pb-touched tbody tr td:first-child a").all_inner_texts()
    assert sorted(shown) == wanted


def test_the_command_is_read_by_the_runbook_that_it_names(builder: Page, project: Path) -> None:
    """Two models and a window become a line for the runbook, whose parameters are what was typed."""
    for field, value in (
        ("restate_models", "oso.projects_v1, oso.stg_*"),
        ("start", "2026-01-01"),
        ("end", "2026-01-07"),
    ):
        builder.locator(f"#pb-field-sqlmesh_project-{field}").fill(value)
    words = shlex.split(builder.locator("section[aria-label=Command] code").inner_text())
    assert words[:2] == ["playbook", "plan"]
    runbook = parse(read_page(project, words[2]))
    values = read_values(runbook, words[4::2])
    window = {"start": "2026-01-01", "end": "2026-01-07"}
    assert values == {"models": ["oso.projects_v1", "oso.stg_*"], **window, "on_branch": False}


def test_the_address_keeps_what_is_seen(builder: Page, site_folder: Path) -> None:
    """Opened from its address again, the builder shows config, form and mistake, with the page of its rule."""
    builder.locator("#pb-yaml").fill("ops:\n  sqlmesh_project:\n    config:\n      restate_models: [oso.project_v1]\n")
    expect(builder.locator(".pb-problem")).to_contain_text("SM201")
    expect(builder.locator(".pb-problem")).to_contain_text("did you mean oso.projects_v1?")
    rule = builder.locator(".pb-problem a").get_attribute("href") or ""
    assert f'id="{rule.partition("#")[2]}"' in (site_folder / rule.partition("#")[0]).read_text(encoding="utf-8")
    address = builder.url
    builder.goto("about:blank")
    builder.goto(address)
    assert "restate_models: [oso.project_v1]" in builder.locator("#pb-yaml").input_value()
    assert builder.locator("#pb-field-sqlmesh_project-restate_models").input_value() == "oso.project_v1"
    expect(builder.locator(".pb-problem")).to_contain_text("SM201")


def test_it_is_used_by_keyboard_alone(builder: Page) -> None:
    """From the job to a completed model by Tab and typing; the config follows."""
    builder.locator("#pb-job").focus()
    for _ in range(12):
        if builder.evaluate("document.activeElement.id") == "pb-field-sqlmesh_project-restate_models-add":
            break
        builder.keyboard.press("Tab")
    builder.keyboard.type("oso.projects_v1")
    assert "- oso.projects_v1" in builder.locator("#pb-yaml").input_value()


def test_it_fits_a_telephone(builder: Page) -> None:
    """At 390 pixels nothing but its table and its command scrolls sideways."""
    builder.locator("#pb-field-sqlmesh_project-restate_models").fill("oso.stg_pypi__projects")
    assert builder.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_a_pasted_config_chooses_the_job_that_runs_it(builder: Page) -> None:
    """Config of another op than those of the chosen job is judged for the job that has it."""
    assert builder.locator("#pb-job").input_value() == "sqlmesh_all_assets"
    builder.locator("#pb-yaml").fill("ops:\n  nessie__assign_consumer_tag:\n    config: {}\n")
    assert builder.locator("#pb-job").input_value() == "nessie_consumer_tag_job"
    expect(builder.locator(".pb-problem")).to_have_count(0)


def test_no_config_is_refused_where_dagster_refuses_it(builder: Page, authorities: Authorities) -> None:
    """Without config the builder has a mistake for exactly those jobs that Dagster does not launch so."""
    for job in builder.locator("#pb-job option").all_inner_texts():
        builder.locator("#pb-job").select_option(job)
        is_refused = builder.locator(".pb-problem", has_text="DG102").count() > 0
        assert is_refused is not authorities.accepts(Case("{}\n", job), job), job


def test_a_job_that_restates_by_preset_says_so(builder: Page) -> None:
    """Without config the models of the preset are listed, the refusal comes first, then the runbook that may do it."""
    builder.locator("#pb-job").select_option("sqlmesh_restate_project_assets")
    expect(builder.locator(".pb-verdict")).to_contain_text("without an approval the op refuses that")
    assert builder.locator(".pb-touched tbody tr", has_text="entity_category=project").count() > 0
    command = builder.locator("section[aria-label=Command] code").inner_text()
    assert command.strip() == "playbook plan runbooks/restate-by-category.md -p categories=project"
