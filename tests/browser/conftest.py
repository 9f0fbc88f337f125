"""A browser and a real server: what it asks of other hosts, or its policy forbids, fails the test.

def test_a_story(console: Console, page: Page) -> None:
    console.sign_in(page, "marketer")
    page.goto(console.url + "/console/campaigns")
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from api.app import create_app
from api.services import Services
from bootstrap.services import services
from bootstrap.settings import Settings
from bootstrap.wiring import Parts
from loyalty.access import Role
from tests.browser.chromium import browser_path

# What a page says when its policy is broken, wherever that happens.
_LISTEN = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));
"""


@dataclass
class Console:
    """A server on loopback with an empty database, and the parts behind it for a test's own use."""

    url: str
    parts: Parts
    services: Services

    def person(self, role: Role) -> str:
        """The id of somebody with this role."""
        email = f"{role}@example.com"
        found = self.services.people.password_of(email)
        if found is None:
            name = {"marketer": "Mei Lin", "operator": "Tom Reed", "admin": "Ada Wong"}.get(
                role, "Ina Till"
            )
            given = {"name": name, "email": email, "role": role}
            return self.services.people.invite(**given, actor="test")[0].id
        return found[0].id

    def sign_in(self, page: Page, role: Role) -> None:
        """Put a session of somebody with this role into the browser."""
        token = self.services.sessions.open(self.person(role), "password")
        cookie = {"name": "milepost_session", "value": token, "url": self.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]

    def prefer(self, page: Page, *, language: str = "en", theme: str = "light") -> None:
        """What the buttons in the header choose."""
        chosen = {"milepost_language": language, "milepost_theme": theme}
        cookies = [
            {"name": name, "value": value, "url": self.url} for name, value in chosen.items()
        ]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]


@pytest.fixture
def programme_file() -> Path | None:
    """The programme's own rules; a story with others says so in a file of its own."""
    return None


@pytest.fixture
def console(
    _sqlite_template: Path, tmp_path: Path, programme_file: Path | None
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
    )
    parts = Parts(settings)
    parts.store.group()
    made = services(parts)
    config = uvicorn.Config(
        create_app(made), port=0, log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    started = threading.Event()
    while not server.started and thread.is_alive():
        started.wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Console(f"http://127.0.0.1:{port}", parts, made)
    server.should_exit = True
    thread.join(20)
    parts.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
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

    def make(**options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
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
