"""Before any page: a forged request is turned away, and whoever is signed in is recognised.

A browser says where a request comes from. One that changes something counts only from our own
pages: `Sec-Fetch-Site` says so, or else `Origin` names the host that was asked.
"""

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.console.addresses import UNSUBSCRIBE, parts_of
from api.console.cookies import SESSION, read_cookie
from api.console.errors import forged, not_now
from api.console.language import speech
from api.keys import Caller
from api.people import Sessions

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_FOR_ANYBODY = ("/console/static/", UNSUBSCRIBE)
"""Files, and what members' mail programs ask for from wherever they are: nobody is recognised."""


def from_elsewhere(method: str, headers: Headers) -> bool:
    """Whether a request that changes something was sent by another site's page."""
    if method in _READING:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False  # no browser of these years leaves out both: a program, without our cookie
    return parts_of(origin).netloc != headers.get("host", "")


class Gate:
    """Puts the caller, or none, and the language on the request."""

    def __init__(
        self, app: ASGIApp, sessions: Sessions, weather: tuple[type[Exception], ...]
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._weather = weather

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        state = scope["state"]
        state.update(caller=None, person=None, session=None, speech=speech(request))
        if scope["path"].startswith(_FOR_ANYBODY):
            await self._app(scope, receive, send)
            return
        if from_elsewhere(scope["method"], request.headers):
            await forged(request)(scope, receive, send)
            return
        if token := read_cookie(request, SESSION):

            async def ask() -> Caller | None:
                found = await run_in_threadpool(self._sessions.recognise, token)
                if found is None:
                    return None
                person, session = found
                state.update(person=person, session=session)
                return Caller(person.id, person.role, person.name, "session")

            try:
                state.update(caller=await ask(), ask=ask)
            except self._weather as error:
                await (await not_now(request, error))(scope, receive, send)
                return
        await self._app(scope, receive, send)
