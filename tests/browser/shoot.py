"""`make screenshots`: every page in both languages and themes, wide and narrow, into a folder.

Not part of the tests, for nobody looks at three hundred pictures a day; look when a page changes.
`PAGE=home` makes only pages whose name begins so; `SCREENSHOTS` names another folder. The pictures
in the README are made on the way. Time stands still at noon of a day, so that they look alike.
"""

import base64
import os
from collections.abc import Callable
from datetime import datetime
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page

from bootstrap.clock import FileClock
from tests.browser.conftest import Console
from tests.browser.pages import PAGES, Shown

FOLDER = Path(os.environ.get("SCREENSHOTS", "screenshots"))
WIDTHS = {1280: 800, 390: 844}
SHOWN = [page for page in PAGES if page.name.startswith(os.environ.get("PAGE", ""))]
NOON = datetime(2027, 3, 16, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))

README = Path(__file__).parents[2] / "docs" / "pictures"
KEPT = {"gallery": 900, "watch": 900, "member": 900}
"""Pages with a picture in the README, and how many pixels of their height it shows."""


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    FileClock(tmp_path / "clock").set(NOON)
    return tmp_path / "clock"


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.name)
def test_shoot(console: Console, new_page: Callable[..., Page], shown: Shown) -> None:
    path = shown.path(console)
    page = new_page(locale="en-GB")
    if shown.role:
        console.sign_in(page, shown.role)
    if shown.name in KEPT:
        _keep(console, page, shown, path)
    for language, theme in product(("en", "zh"), ("light", "dark")):
        console.prefer(page, language=language, theme=theme)
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            shown.show(page, console, path)
            FOLDER.mkdir(parents=True, exist_ok=True)
            file = FOLDER / f"{shown.name}-{language}-{theme}-{width}.png"
            page.screenshot(path=file, full_page=True)


def _keep(console: Console, page: Page, shown: Shown, path: str) -> None:
    """The README's picture: the page's upper part as WebP, which is a third of a PNG."""
    console.prefer(page)
    page.set_viewport_size({"width": 1280, "height": KEPT[shown.name]})
    shown.show(page, console, path)
    taken = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"format": "webp", "quality": 82}
    )
    README.mkdir(parents=True, exist_ok=True)
    (README / f"{shown.name}.webp").write_bytes(base64.b64decode(taken["data"]))
