"""Waiting for the store without a thread: answers of one commit come back in one wake-up."""

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import Any
from weakref import WeakKeyDictionary


class Postbox:
    """Hands answers from the store's thread to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._come: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._ringing = False

    def deliver(self, waiting: "asyncio.Future[Any]", done: "Future[Any]") -> None:
        """Called by the store's thread, for every answer of a commit one after the other."""
        self._come.append((waiting, done))
        if not self._ringing:
            self._ringing = True
            self._loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        # Lowered first: what comes from here on rings again, and an empty box does no harm.
        self._ringing = False
        while self._come:
            waiting, done = self._come.popleft()
            if waiting.cancelled():
                continue
            if (error := done.exception()) is not None:
                waiting.set_exception(error)
            else:
                waiting.set_result(done.result())


_boxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Postbox] = WeakKeyDictionary()


async def answer_of(future: "Future[Any]") -> Any:
    """What the store answers, or what it raises.

    Who stops waiting does not stop the work: it is done, or it is not, as for a lost answer.
    """
    if future.done():
        return future.result()
    loop = asyncio.get_running_loop()
    box = _boxes.get(loop)
    if box is None:
        box = _boxes[loop] = Postbox(loop)
    waiting: asyncio.Future[Any] = loop.create_future()
    future.add_done_callback(lambda done, box=box: box.deliver(waiting, done))  # type: ignore[misc]
    return await waiting
