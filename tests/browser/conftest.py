"""A browser and a real server: what it asks of other hosts, or its policy forbids, fails the test.

def test_a_story(console: Console, page: Page) -> None:
    console.sign_in(page, "marketer")
    page.goto(console.url + "/console/campaigns")
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from bootstrap.clock import FileClock
from bootstrap.settings import Settings
from bootstrap.temporal import DevServer
from bootstrap.wiring import Parts
from tests.browser.chromium import browser_path
from tests.browser.living import EVENING, Backstage, Living
from tests.browser.serving import Console, serving
from tests.temporal_fixtures import dev_server

__all__ = ["Console", "Living", "dev_server"]

# What a page says when its policy is broken, wherever that happens.
_LISTEN = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));
"""


@pytest.fixture
def programme_file() -> Path | None:
    """The programme's own rules; a story with others says so in a file of its own."""
    return None


@pytest.fixture
def clock_file() -> Path | None:
    """Time goes on by itself; what must look alike every day says so in a file of its own."""
    return None


@pytest.fixture
def console(
    _sqlite_template: Path, tmp_path: Path, programme_file: Path | None, clock_file: Path | None
) -> Iterator[Console]:
    """The product as it is wired, without Temporal: nothing listens where it would be."""
    file = tmp_path / "console.sqlite3"
    shutil.copy(_sqlite_template, file)
    settings = Settings(
        data_dir=tmp_path,
        database_url=f"sqlite:///{file}",
        temporal_address="127.0.0.1:1",
        embedded=True,
        programme_file=programme_file,
        clock_file=clock_file,
    )
    with serving(Parts(settings)) as console:
        yield console


@pytest.fixture
def living(dev_server: DevServer, _sqlite_template: Path, tmp_path: Path) -> Iterator[Living]:
    """The product at work: a database, a clock and a task queue of its own on a real Temporal."""
    file = tmp_path / "living.sqlite3"
    shutil.copy(_sqlite_template, file)
    clock = FileClock(tmp_path / "clock")
    clock.set(EVENING)
    settings = Settings(
        data_dir=tmp_path,
        database_url=f"sqlite:///{file}",
        clock_file=tmp_path / "clock",
        temporal_address=dev_server.address,
        temporal_task_queue=tmp_path.name,
        embedded=True,
    )
    with serving(Parts(settings)) as console:
        made = Living(console, Backstage(console.parts, clock), clock)
        yield made
        made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A new one for each file: playwright keeps an event loop running in this thread as long as it
    is there, and no test that is itself `async` could run beside it.
    """
    path = browser_path()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Makes pages of a browser that is as new; options are those of a playwright context."""
    troubles: list[str] = []
    pages: list[Page] = []

    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.hostname != "127.0.0.1":
            troubles.append(f"a request to another host: {request.url}")

    def heard(message: ConsoleMessage) -> None:
        # The status of a page that was refused on purpose is no fault of the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            troubles.append(f"console: {message.text}")

    def make(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.add_init_script(_LISTEN)
        context.on("request", asked)
        context.on("console", heard)
        context.on("weberror", lambda error: troubles.append(f"script: {error.error}"))
        context.set_default_timeout(10_000)
        page = context.new_page()
        pages.append(page)
        return page

    yield make
    for page in pages:
        if not page.is_closed() and page.url.startswith("http"):
            troubles.extend(f"policy: {each}" for each in page.evaluate("window.__violations"))
        page.context.close()
    assert troubles == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """One page, 1280 wide, in English."""
    return new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
