"""Whoever uses a keyboard, a reader or a small screen can work here: axe looks at every page."""

from collections.abc import Callable
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Console
from tests.browser.pages import PAGES, Shown


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_no_page_has_a_serious_fault(
    console: Console, new_page: Callable[..., Page], shown: Shown
) -> None:
    """No serious or critical violation in either theme, wide or narrow; nothing sticks out."""
    path = shown.path(console)
    page = new_page()
    if shown.role:
        console.sign_in(page, shown.role)
    for theme, width in product(("light", "dark"), (1280, 390)):
        console.prefer(page, language="zh" if width == 390 else "en", theme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(console.url + path)
        found = Axe().run(page).response["violations"]
        grave = [
            (each["id"], [node["html"][:200] for node in each["nodes"][:3]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        wide = page.evaluate("document.documentElement.scrollWidth")

        assert grave == [], (theme, width)
        assert wide <= width, f"{shown.name} is {wide} wide where {width} fit"
