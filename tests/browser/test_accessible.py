"""Whoever uses a keyboard, a reader or a small screen can work here: axe looks at every page.

Each page is looked at in one theme, width and language, by turns, so that every building block is
seen in all of them; `LOOKS=all` looks at each page in each. Nothing sticks out at either width.
"""

import os
from collections.abc import Callable
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Console
from tests.browser.pages import PAGES, Shown

WIDTHS = (1280, 390)
LOOKS = tuple(product(("light", "dark"), WIDTHS, ("en", "zh")))
EVERY = os.environ.get("LOOKS") == "all"


@pytest.mark.parametrize(
    ("shown", "looks"),
    [(page, LOOKS if EVERY else (LOOKS[turn % len(LOOKS)],)) for turn, page in enumerate(PAGES)],
    ids=[page.name for page in PAGES],
)
def test_no_page_has_a_serious_fault(
    console: Console,
    new_page: Callable[..., Page],
    shown: Shown,
    looks: tuple[tuple[str, int, str], ...],
) -> None:
    """No serious or critical violation, and no page wider than the screen."""
    path = shown.path(console)
    page = new_page()
    if shown.role:
        console.sign_in(page, shown.role)
    for theme, width, language in looks:
        console.prefer(page, language=language, theme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        shown.show(page, console, path)
        found = Axe().run(page).response["violations"]
        grave = [
            (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

        assert grave == [], (theme, width, language)
        for narrow in WIDTHS:
            page.set_viewport_size({"width": narrow, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= narrow, f"{shown.name} is {wide} wide where {narrow} fit"
