"""Looking at campaigns as they run: one look serves everybody who watches the same campaign.

However many pages are open on a campaign, its figures are counted once in two seconds at most, and
not at all when nobody watches. Before each look a page asks whether its reader may still look.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from api.problems import Refused
from loyalty.campaign_watch import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.services import Services

Figures = Mapping[str, Any]
LOOK_EVERY_SECONDS = 2.0
SILENT_LOOKS = 7
"""Looks without news before a heartbeat: proxies give up on a connection silent for a minute."""
LOOKS_MAX = 300
"""Ten minutes: then the browser connects again."""
WATCHERS_MAX = 50
"""A quarter of the requests a process answers at once: watching must not keep others out."""
OVER = ("stopped", "finished")


def look(given: "Services", campaign_id: str) -> Figures | None:
    """The figures of now; none when there is no such campaign."""
    now = given.clock.now()
    found = given.reads.campaign_figures(campaign_id)
    return None if found is None else watched(found, now, given.programme.tz)


@dataclass(slots=True)
class Lookout:
    """What was seen of campaigns a moment ago, and who is looking."""

    watching: int = 0
    # A process that is asked to stop would wait for its feeds until it gives up on them.
    stopping: Callable[[], bool] = field(default=lambda: False)
    _seen: OrderedDict[str, tuple[float, Figures | None]] = field(default_factory=OrderedDict)
    _looking: dict[str, "asyncio.Task[Figures | None]"] = field(default_factory=dict)

    async def latest(self, given: "Services", campaign_id: str) -> Figures | None:
        """Figures at most two seconds old."""
        read_at, figures = self._seen.get(campaign_id, (None, None))
        if read_at is not None and time.monotonic() - read_at < LOOK_EVERY_SECONDS:
            return figures
        task = self._looking.get(campaign_id)
        if task is None or task.done():
            task = asyncio.create_task(self._look(given, campaign_id))
            self._looking[campaign_id] = task
        # Whoever began the look may hang up; the others still wait for it.
        return await asyncio.shield(task)

    async def _look(self, given: "Services", campaign_id: str) -> Figures | None:
        try:
            figures = await run_in_threadpool(look, given, campaign_id)
        finally:
            self._looking.pop(campaign_id, None)
        self._seen[campaign_id] = (time.monotonic(), figures)
        self._seen.move_to_end(campaign_id)
        while len(self._seen) > WATCHERS_MAX:
            self._seen.popitem(last=False)
        return figures

    def make_room(self) -> None:
        """Refuse one watcher too many, before anything is sent."""
        if self.watching >= WATCHERS_MAX:
            raise Refused(
                "busy",
                f"{WATCHERS_MAX} live pages are open already. The figures are at `/watch`.",
            )

    async def follow(
        self,
        given: "Services",
        campaign_id: str,
        still: Callable[[], Awaitable[bool]],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> AsyncGenerator[Figures | None, None]:
        """Figures whenever they change, none as a heartbeat.

        Ends with the campaign, and once the reader may look no more (`still`).
        """
        before: Figures | None = None
        silent = 0
        with self._counted():
            for _ in range(LOOKS_MAX):
                try:
                    if not await still():
                        return
                    figures = await self.latest(given, campaign_id)
                except given.weather:
                    return  # the browser asks again
                if figures is None:
                    return
                silent = 0 if _changed(before, figures) else silent + 1
                if silent == 0:
                    yield figures
                elif silent % SILENT_LOOKS == 0:
                    yield None
                if figures["state"] in OVER and not figures["live"]:
                    return
                before = figures
                await pause(LOOK_EVERY_SECONDS)
                if self.stopping():
                    return

    @contextmanager
    def _counted(self) -> "Iterator[None]":
        self.watching += 1
        try:
            yield
        finally:
            self.watching -= 1


def _changed(before: Figures | None, after: Figures) -> bool:
    return before is None or {**before, "at": None} != {**after, "at": None}
