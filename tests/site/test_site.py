"""The site as its readers meet it: in a browser."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dagster_playbook.markdown.reader import read_page

pytestmark = pytest.mark.browser

RESTATEMENTS = "playbook/restatements"
INTEGRATION = "playbook/sqlmesh-integration"


def test_the_home_page_says_what_this_is(page: Page, site: str) -> None:
    """Title, purpose and the way to each task stand on the first screen."""
    page.goto(site)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Dagster Playbook")
    expect(page.get_by_text("How OSO's data platform is operated")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Restatements").first).to_be_visible()


def test_the_warning_before_a_restatement_is_on_the_first_screen(page: Page, site: str) -> None:
    """Nobody reaches a restatement config without having passed the warning."""
    page.goto(f"{site}/{RESTATEMENTS}.html")
    warning = page.locator(".admonition.danger").first
    expect(warning).to_contain_text("Do not restate without approval")
    expect(warning).to_be_in_viewport()


def test_the_copy_button_gives_the_block_as_it_was_checked(page: Page, site: str, project: Path) -> None:
    """What a reader copies is, to the character, the body that the checker validated."""
    page.goto(f"{site}/{INTEGRATION}.html")
    fences = [fence for fence in read_page(project, f"docs/{INTEGRATION}.md").fences if fence.language == "sh"]
    blocks = page.locator("div.highlight.language-sh, div.language-sh.highlight")
    assert blocks.count() == len(fences)
    for index, fence in enumerate(fences):
        block = blocks.nth(index)
        block.hover()
        block.locator("button[data-md-type=copy], button.md-clipboard").first.click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.rstrip("\n") == fence.body.rstrip("\n")


def test_search_finds_a_config_key(page: Page, site: str) -> None:
    """A reader who knows only the key finds its page."""
    page.goto(site)
    box = page.locator("input.md-search__input")
    box.click()
    box.press_sequentially("restate_entity_categories")
    expect(page.locator(f".md-search-result__link[href*='{RESTATEMENTS}']").first).to_be_visible(timeout=15_000)


def test_search_finds_a_model_by_its_name(page: Page, site: str) -> None:
    """The page of the model comes first, and a part of the name is enough."""
    page.goto(f"{site}/index.html")
    box = page.locator("input.md-search__input")
    box.click()
    box.press_sequentially("stg_pypi__releases")
    first = page.locator(".md-search-result__link").first
    expect(first).to_have_attribute("href", re.compile("platform/models/oso.stg_pypi__releases"), timeout=15_000)


def test_search_leads_to_what_to_do_before_why_it_is_so(page: Page, site: str) -> None:
    """A procedure stands before the decisions that speak of it."""
    page.goto(f"{site}/index.html")
    box = page.locator("input.md-search__input")
    box.click()
    box.press_sequentially("restatement approval")
    first = page.locator(".md-search-result__link").first
    expect(first).to_have_attribute("href", re.compile("runbooks/|playbook/"), timeout=15_000)


def test_the_site_works_from_a_file_without_any_other_host(browser: Browser, site_folder: Path) -> None:
    """Opened from the disk the pages link to each other, the search answers, and no other host is asked."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site_folder / "index.html").as_uri())
    page.get_by_role("link", name="A restatement failed").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Recover a restatement")
    box = page.locator("input.md-search__input")
    box.click()
    box.press_sequentially("restate_entity_categories")
    expect(page.locator(".md-search-result__link").first).to_be_visible(timeout=15_000)
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_dark_mode_stays_after_a_reload(page: Page, site: str) -> None:
    """The switch changes the scheme, and the choice is kept."""
    page.goto(site)
    before = page.locator("body").get_attribute("data-md-color-scheme")
    page.locator("label.md-header__button[title^='Switch to']:visible").click()
    expect(page.locator("body")).not_to_have_attribute("data-md-color-scheme", before or "")
    after = page.locator("body").get_attribute("data-md-color-scheme")
    page.reload()
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", after or "")


def test_a_page_tells_when_it_changed_and_where_to_edit_it(page: Page, site: str) -> None:
    """Edit link, and a mark with verdict, versions, commit and date stand on each page of the playbook."""
    page.goto(f"{site}/{RESTATEMENTS}.html")
    edit = page.locator("a.md-content__button[rel=edit]")
    assert (edit.get_attribute("href") or "").endswith(f"edit/main/docs/{RESTATEMENTS}.md")
    expect(page.locator(".pb-mark")).to_contain_text("Verified")
    expect(page.locator(".pb-mark")).to_contain_text(re.compile(r"Built from [0-9a-f]{10} of \d{4}-\d\d-\d\d"))
    expect(page.locator(".pb-mark")).to_contain_text(f"dagster {version('dagster')}")


def test_the_pages_fit_a_telephone(page: Page, site: str) -> None:
    """On a narrow screen nothing but code and tables scrolls sideways."""
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("index.html", f"{RESTATEMENTS}.html", "playbook/sqlmesh-integration.html"):
        page.goto(f"{site}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
