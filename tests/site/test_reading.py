"""The site for everybody: contrast, names, the keyboard, narrow screens, paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PAGES = (
    "index",
    "builder",
    "runbooks/restate-by-model",
    "playbook/restatements",
    "platform/index",
    "reference/rules",
    "status",
)
HERE = Path(__file__).parent
CONTRAST, UNNAMED = (HERE.joinpath(name).read_text(encoding="utf-8") for name in ("contrast.js", "unnamed.js"))


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Both schemes."""
    return str(request.param)


@pytest.fixture
def reader(browser: Browser, scheme: str) -> Iterator[Page]:
    """A page of a telephone in one of the schemes."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def test_each_text_can_be_told_from_its_ground_and_each_control_has_a_name(reader: Page, site_folder: Path) -> None:
    """In both schemes, wide and narrow: contrast of 4.5, names, regions reached by keyboard, no id twice."""
    for name in PAGES:
        reader.goto((site_folder / f"{name}.html").as_uri())
        assert reader.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), name
        assert reader.evaluate(CONTRAST) == [], name
        reader.set_viewport_size({"width": 1280, "height": 900})
        assert reader.evaluate(CONTRAST) == [], name
        assert reader.evaluate(UNNAMED) == [], name
        reader.set_viewport_size({"width": 390, "height": 800})


def test_on_paper_nothing_is_cut(browser: Browser, site_folder: Path) -> None:
    """Printed, a long command is broken into lines, and forms and buttons are left out."""
    page = browser.new_page(viewport={"width": 800, "height": 1000})
    page.goto((site_folder / "runbooks" / "restate-by-model.html").as_uri())
    page.emulate_media(media="print")
    assert page.locator(".pb-form, .pb-copyline").first.is_hidden()
    cut = page.eval_on_selector_all(
        "article pre > code", "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
    )
    page.close()
    assert cut == 0
