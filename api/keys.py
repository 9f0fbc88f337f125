"""Who is calling: each request to `/v1` and `/codec` carries a key, each route names its roles."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from fastapi import Request, Response, Security
from fastapi.security import HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import RETRY_SECONDS, unavailable
from api.problems import Refused, problem_response, respond
from loyalty.access import ApiKey, Permission, Role, fingerprint, roles_with

GUARDED = ("/v1/", "/codec/")


class Keys(Protocol):
    """The port: finds a live key by the fingerprint of its token."""

    def find(self, hash: str) -> ApiKey | None: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, as the audit trail will name them."""

    actor: str
    role: Role
    name: str
    how: Literal["key", "session"]

    def may(self, permission: Permission) -> bool:
        """Whether the role allows it; templates hide what it does not."""
        return self.role in roles_with(permission)


Ask = Callable[[], Awaitable[Caller | None]]
"""Who calls, as of now; a gate leaves it on the request beside the caller it found."""


def still_let_in(request: Request) -> Callable[[], Awaitable[bool]]:
    """Whether the caller of an answer that goes on for minutes may have the rest of it."""
    opened_by: Caller = request.state.caller
    ask: Ask = request.state.ask

    async def still() -> bool:
        return await ask() == opened_by

    return still


class KeyRing:
    """Keys seen a moment ago, so that most requests need no look-up.

    A revoked key works for at most `seconds` longer, on each process.
    """

    def __init__(self, keys: Keys, *, seconds: float = 5.0, size: int = 1000) -> None:
        self._keys = keys
        self._seconds = seconds
        self._size = size
        self._seen: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()

    async def recognise(self, token: str) -> ApiKey | None:
        hash = fingerprint(token)
        seen = self._seen.get(hash)
        if seen and seen[0] > time.monotonic():
            return seen[1]
        key = await run_in_threadpool(self._keys.find, hash)
        self._seen.pop(hash, None)
        if key is None:
            return None
        self._seen[hash] = (time.monotonic() + self._seconds, key)
        while len(self._seen) > self._size:
            self._seen.popitem(last=False)
        return key


class KeyGate:
    """Refuses a request without a known key before a byte of its body is read."""

    def __init__(
        self, app: ASGIApp, ring: KeyRing, weather: tuple[type[Exception], ...] = ()
    ) -> None:
        self._app = app
        self._ring = ring
        self._weather = weather

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(GUARDED):
            await self._app(scope, receive, send)
            return
        request = Request(scope)

        async def ask() -> Caller | None:
            key = await self._key(scope)
            return Caller(key.id, key.role, key.name, "key") if key else None

        try:
            caller = await ask()
        except self._weather:
            answer = respond(unavailable(request), {"Retry-After": RETRY_SECONDS})
            await answer(scope, receive, send)
            return
        if caller is None:
            await _unauthenticated(request)(scope, receive, send)
            return
        scope["state"].update(caller=caller, ask=ask)
        await self._app(scope, receive, send)

    async def _key(self, scope: Scope) -> ApiKey | None:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.startswith("mp_"):
            return None
        return await self._ring.recognise(token.strip())


def _unauthenticated(request: Request) -> Response:
    sent = "authorization" in request.headers
    detail = (
        "This key is not known, or was revoked. An administrator makes keys with "
        "`milepost keys create`."
        if sent
        else "Send your API key in the header `Authorization: Bearer mp_...`."
    )
    headers = {"WWW-Authenticate": 'Bearer realm="milepost"'}
    return problem_response(request, "unauthenticated", detail, headers=headers)


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    bearerFormat="mp_<prefix>_<secret>",
    description=(
        "An API key, made with `milepost keys create --role R --name N`. The names beside "
        "each operation are the roles that may call it."
    ),
)


async def _caller(
    request: Request,
    needed: SecurityScopes,
    _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Any:
    caller: Caller = request.state.caller
    if caller.role not in needed.scopes:
        names = " or ".join(needed.scopes)
        raise Refused(
            "forbidden",
            f"This needs a key with the role {names}; yours has {caller.role}.",
            facts={"needs": needed.scopes, "role": caller.role},
        )
    return caller


def needs(permission: Permission) -> Any:
    """The dependency with which a route says who may call it."""
    return Security(_caller, scopes=list(roles_with(permission)))
