"""The process's one line to Temporal, and the memory that it is away: no page waits for it twice.

Whoever asks first waits a moment for the connection. While Temporal is away everybody is told so at
once, and now and then an attempt is made beside them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client

T = TypeVar("T")

AWAY_SECONDS = 5.0
"""For so long nobody asks again a Temporal that did not answer."""
FIRST_SECONDS, AGAIN_SECONDS = 2.0, 0.05
"""How long an answer waits for a connection: the first attempt, and each after one that failed."""


class TemporalLine:
    """Use from one event loop."""

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        self._connect = connect
        self._attempt: asyncio.Task[Client] | None = None
        self._began = 0.0
        self._failed: tuple[float, Exception] | None = None
        self._silent_since: float | None = None

    async def __call__(self) -> Client:
        """The client, made once. Raises what the last attempt ended with while there is none."""
        attempt = self._attempt
        if attempt is None:
            if self._failed and time.monotonic() - self._failed[0] < AWAY_SECONDS:
                raise self._failed[1]
            attempt = self._attempt = asyncio.create_task(self._connected())
            self._began = time.monotonic()
            # Whoever asked may have gone by then: nobody else would take note of how it ended.
            attempt.add_done_callback(lambda made: made.cancelled() or made.exception())
        patience = AGAIN_SECONDS if self._failed else FIRST_SECONDS
        # Whoever comes while an attempt is under way waits only for what is left of its time.
        left = max(0.0, self._began + patience - time.monotonic())
        await asyncio.wait({attempt}, timeout=left)
        if attempt.done():
            return attempt.result()
        raise self._failed[1] if self._failed else TimeoutError("Temporal does not answer yet")

    async def unless_silent(self, ask: Callable[[], Awaitable[T]], nothing: T) -> T:
        """What Temporal says; `nothing`, at once, for some seconds after it said nothing."""
        silent = self._silent_since
        if silent is not None and time.monotonic() - silent < AWAY_SECONDS:
            return nothing
        found = await ask()
        self._silent_since = time.monotonic() if found == nothing else None
        return found

    async def _connected(self) -> Client:
        try:
            made = await self._connect()
        except Exception as error:
            self._failed, self._attempt = (time.monotonic(), error), None
            raise
        self._failed = None
        return made
