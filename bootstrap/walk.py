"""Members one by one, page by page: for as long as a round of care may take, past whoever fails."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from temporalio import activity
from temporalio.exceptions import CancelledError

from bootstrap.repairing import AWAY

T = TypeVar("T")
log = logging.getLogger("milepost.upkeep")

WALK_SECONDS = 75.0
"""A round has five walks, adds the ledger up and signs it: in less than the ten minutes that
Temporal gives it before it starts the next beside it."""


def stopping() -> bool:
    """Whether this worker was told to end: what is not begun is left to the next round."""
    return activity.in_activity() and activity.is_worker_shutdown()


class Faults:
    """What failed in a round: logged where it happened, counted, and in nobody else's way."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def noted(self, what: str, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Go on after a failure, but not after those of `but`, nor when told to end at once."""
        try:
            yield
        except CancelledError:
            raise
        except but:
            raise
        except Exception:
            log.exception("%s failed; the care goes on", what)
            self.count += 1

    def each(self, ids: Iterable[str], work: Callable[[str], T]) -> list[T]:
        """What the work on each came to. A database that is away ends it: nobody fares better."""
        done: list[T] = []
        for id in ids:
            with self.noted(id, but=AWAY):
                done.append(work(id))
        return done


class Walk:
    """Goes through whoever is due, by id; what it has no time for, it goes on with next time."""

    def __init__(self, faults: Faults, seconds: float = WALK_SECONDS) -> None:
        self._faults = faults
        self._seconds = seconds
        self._after = ""

    @property
    def over(self) -> bool:
        """Whether the last time came to the end."""
        return not self._after

    def __call__(
        self, page_after: Callable[[str], Sequence[str]], work: Callable[[str], T]
    ) -> list[T]:
        ends, done = time.monotonic() + self._seconds, list[T]()
        while page := page_after(self._after):
            done += self._faults.each(page, work)
            self._after = page[-1]
            if stopping() or time.monotonic() >= ends:
                return done
        self._after = ""
        return done
