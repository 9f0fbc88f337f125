"""Opening a session in a browser, and how often one may try to."""

import time

import structlog
from fastapi import Request, Response
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool

from api.console.addresses import own_page
from api.console.cookies import SESSION, over_https, set_cookie
from api.console.rendering import go
from api.services import Services
from loyalty.people import How, Person

log = structlog.stdlib.get_logger("milepost.console")
_FOR_AN_ACCOUNT = parse("8 per 15 minutes")
_FOR_AN_ADDRESS = parse("60 per 15 minutes")


class Tries:
    """What was tried lately: sign-ins by account and client address, wrong links by the latter.

    Each process counts its own.

    A guesser has at most 768 tries a day at one account; whoever mistyped waits a quarter of an
    hour at most.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def allowed(self, email: str, client: str) -> int:
        """Count one try. 0 when it may be made, else in how many seconds the next one may."""
        for limit, kind, name in (
            (_FOR_AN_ACCOUNT, "account", email),
            (_FOR_AN_ADDRESS, "address", client),
        ):
            if not await self._limiter.hit(limit, kind, name):
                return await self._seconds_left(limit, kind, name)
        return 0

    async def guessed(self, client: str) -> None:
        """Count a link that leads nowhere."""
        await self._limiter.hit(_FOR_AN_ADDRESS, "link", client)

    async def guessed_too_often(self, client: str) -> int:
        """0, or in how many seconds this client may follow a link again.

        Links that lead somewhere count for nothing: mail providers follow them for thousands.
        """
        if await self._limiter.test(_FOR_AN_ADDRESS, "link", client):
            return 0
        return await self._seconds_left(_FOR_AN_ADDRESS, "link", client)

    async def _seconds_left(self, limit: RateLimitItem, kind: str, name: str) -> int:
        stats = await self._limiter.get_window_stats(limit, kind, name)
        # The limiter goes by the machine's own clock, not by the programme's.
        return max(1, int(stats.reset_time - time.time()))  # noqa: TID251

    async def forget(self, email: str) -> None:
        """The right password: earlier slips no longer count."""
        await self._limiter.clear(_FOR_AN_ACCOUNT, "account", email)


async def let_in(
    request: Request, services: Services, who: Person, how: How, back: str
) -> Response:
    """Open a session in this browser and go where the person wanted to."""
    if over_https(request) and request.url.scheme != "https":
        log.warning("the proxy is not named in MILEPOST_FORWARDED_ALLOW_IPS: all share its address")
    token = await run_in_threadpool(services.sessions.open, who.id, how)
    answer = go(request, own_page(back))
    set_cookie(request, answer, SESSION, token)
    return answer
