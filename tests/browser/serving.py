"""The console as it is wired, served on loopback for a test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from playwright.sync_api import Page

from api.app import create_app
from api.services import Services
from bootstrap.services import services
from bootstrap.wiring import Parts
from loyalty.access import Role


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
        page.context.add_cookies([{"name": "milepost_session", "value": token, "url": self.url}])

    def prefer(self, page: Page, *, language: str = "en", theme: str = "light") -> None:
        """What the buttons in the header choose."""
        chosen = {"milepost_language": language, "milepost_theme": theme}
        page.context.add_cookies(
            [{"name": name, "value": value, "url": self.url} for name, value in chosen.items()]
        )


@contextmanager
def serving(parts: Parts) -> Iterator[Console]:
    """The API and its console over these parts, until the end of the block."""
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
    try:
        yield Console(f"http://127.0.0.1:{port}", parts, made)
    finally:
        server.should_exit = True
        thread.join(20)
        parts.close()
