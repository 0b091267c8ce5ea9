"""Names for what the theme leaves without: whoever hears a page has to tell its parts from each other."""

from __future__ import annotations

import re

_DIALOG = 'data-md-component="search" role="dialog"'
#: a part of the menu whose label is only an icon, and the title that stands in it
_MENU = re.compile(
    r'aria-labelledby="__nav_[\d_]+_label"(?P<rest>[^<>]*>\s*<label class="md-nav__title"[^<>]*>\s*'
    r'<span class="md-nav__icon md-icon"></span>\s*(?P<title>[^<>]+?)\s*</label>)'
)


def named(page: str) -> str:
    """The whole page with a name for its search and for each part of its menu."""
    page = page.replace(_DIALOG, f'{_DIALOG} aria-label="Search"')
    return _MENU.sub(lambda found: f'aria-label="{found["title"]}, menu"{found["rest"]}', page)
