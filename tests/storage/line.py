"""Units that wait in line together, so that they go out in one transaction."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from loyalty.ports import Wants
from storage.poster import Poster

PATIENCE = 20
"""Seconds after which a test gives up."""


@contextmanager
def plugged(poster: Poster) -> Iterator[None]:
    """While the block runs, the writer is busy; what is submitted in it goes out in one batch."""
    begun, go_on = threading.Event(), threading.Event()

    def plug(_: object) -> None:
        begun.set()
        go_on.wait(PATIENCE)

    plugging = poster.submit(plug, Wants())
    assert begun.wait(PATIENCE)
    try:
        yield
    finally:
        go_on.set()
    plugging.result(PATIENCE)
