"""`make screenshots`: every page in both languages and themes, wide and narrow, into a folder.

Not part of the tests, for nobody looks at three hundred pictures a day; look when a page changes.
`PAGE=home` makes only pages whose name begins so; `SCREENSHOTS` names another folder.
"""

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Console
from tests.browser.pages import PAGES, Shown

FOLDER = Path(os.environ.get("SCREENSHOTS", "screenshots"))
WIDTHS = {1280: 800, 390: 844}
SHOWN = [page for page in PAGES if page.name.startswith(os.environ.get("PAGE", ""))]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.name)
def test_shoot(console: Console, new_page: Callable[..., Page], shown: Shown) -> None:
    path = shown.path(console)
    page = new_page()
    if shown.role:
        console.sign_in(page, shown.role)
    for language, theme in product(("en", "zh"), ("light", "dark")):
        console.prefer(page, language=language, theme=theme)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(console.url + path)
            page.wait_for_load_state("load")
            FOLDER.mkdir(parents=True, exist_ok=True)
            file = FOLDER / f"{shown.name}-{language}-{theme}-{width}.png"
            page.screenshot(path=file, full_page=True)
