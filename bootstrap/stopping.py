"""How a process learns that it shall end: a signal, or the end of the one that started it."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from bootstrap.settings import Settings

log = logging.getLogger("milepost")


def told_to_stop(settings: Settings) -> asyncio.Event:
    """An event that is set on SIGTERM, on Ctrl-C, and when `milepost up` is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell(why: str) -> None:
        if not stop.is_set():
            log.info("stopping: %s", why)
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell, number.name)
    if settings.embedded:
        when_orphaned(lambda: loop.call_soon_threadsafe(tell, "milepost up is gone"))
    return stop


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Sleep so long, or until told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def when_orphaned(tell: Callable[[], object]) -> None:
    """Call `tell` when the process that holds our standard input is gone, even if it was killed."""

    def watch() -> None:
        # The bare descriptor: Python's own stdin holds a lock that a thread must not end with.
        while os.read(0, 1024):
            pass
        try:
            tell()
        except RuntimeError:  # the loop has ended already
            return

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()
