"""The console as an application of its own inside the API process: pages, not JSON."""

from fastapi import FastAPI
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.console import errors
from api.console.addresses import HOME, UNSUBSCRIBE
from api.console.gate import Gate
from api.console.letting_in import Tries
from api.console.oidc import OidcClient
from api.console.passwords import Passwords
from api.console.rendering import environments
from api.console.routers import PAGES
from api.console.sample import Filling
from api.services import Services


def create_console(services: Services) -> FastAPI:
    """All pages over these services."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.services = services
    app.state.passwords = Passwords()
    app.state.tries = Tries()
    app.state.filling = Filling()
    provider = services.sign_in.provider
    app.state.oidc = OidcClient(provider, services.clock) if provider else None
    app.state.environments = environments(services)
    errors.install(app, services.weather)
    app.router.routes.extend(PAGES.routes)
    app.add_middleware(Gate, sessions=services.sessions, weather=services.weather)
    return app


class Door:
    """Sends what is under `/console` to the console, and whoever comes to `/` there too.

    So it does with members who unsubscribe: theirs is the one page that is for them.
    """

    def __init__(self, app: ASGIApp, console: ASGIApp) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == HOME or scope["path"].startswith((f"{HOME}/", UNSUBSCRIBE)):
            await self._console(scope, receive, send)
        elif scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
            await RedirectResponse(HOME, status_code=307)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
