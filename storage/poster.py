"""Group commit: what queued up during the last commit goes out together in the next one.

A thread takes all work that is waiting, up to a limit and without a timer, does it in the order it
came, and commits once. Every caller gets its own answer. Alone it costs one commit, as before;
under load a hundred share one.

On PostgreSQL two threads take turns: one decides while the other's rows are written and committed.
Only one of them decides at a time, and nothing of a batch is written before the batch ahead of it
has ended, so the log keeps the order of arrival and neither can wait for the other in a circle.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from loyalty.ports import Transaction, Wants
from storage.batch import Batch
from storage.clerk import Clerk, Unit, Waiting
from storage.database import Database
from storage.precedence import Precedence

T = TypeVar("T")

MOST = 200
"""Units in one transaction: enough to make the commit cheap, few enough to be answered soon."""
WAITING = 5_000
"""Units in line: more than that would wait for seconds, and are told to come again."""

SHARED_FROM = 16
"""Units in line that are worth two batches instead of one."""


class Busy(Exception):
    """The line is full: nothing was done, come again in a moment."""


class Stopped(Exception):
    """The process is stopping: nothing was done."""


class Poster:
    """The line of a process, and who works it off. `transactions` makes the ports for a batch."""

    def __init__(
        self,
        database: Database,
        transactions: Callable[[Batch], Callable[[datetime | None], Transaction]],
        *,
        most: int = MOST,
        waiting: int = WAITING,
    ) -> None:
        self._most = most
        self._waiting = waiting
        self._line: deque[Waiting] = deque()
        self._there = threading.Condition()
        self._stopping = False
        precedence = Precedence()
        # SQLite has one writer: a second would only wait for the first.
        clerks = 1 if database.dialect == "sqlite" else 2
        self._threads = [
            threading.Thread(
                target=Clerk(database, transactions, self._come, self._next, precedence).work,
                name=f"poster-{number}",
                daemon=True,
            )
            for number in range(clerks)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, work: Callable[[Transaction], T], wants: Wants, now: datetime | None = None
    ) -> "Future[T]":
        """Put work in line. Raises Busy when the line is full, Stopped after `close`."""
        future: Future[T] = Future()
        with self._there:
            if self._stopping:
                raise Stopped("no more work is taken")
            if len(self._line) >= self._waiting:
                raise Busy(f"{len(self._line)} units are waiting")
            self._line.append((Unit(work, wants, now), future))
            if len(self._line) == 1:
                self._there.notify()
        return future

    @property
    def waiting(self) -> int:
        """How many units are in line."""
        return len(self._line)

    def close(self) -> None:
        """Finish what is in line, then end the threads."""
        with self._there:
            self._stopping = True
            self._there.notify_all()
        for thread in self._threads:
            thread.join()

    def _come(self) -> bool:
        """Wait until somebody is in line; false once everything is done and nothing will come."""
        with self._there:
            while not self._line and not self._stopping:
                self._there.wait()
            return bool(self._line)

    def _next(self, already: int, nobody_ahead: bool) -> list[Waiting]:
        """Who is first in line, without those who left it; fewer where some are `already` taken.

        With `nobody_ahead` half of a long line is left to the other clerk, who decides it while
        this one writes: took one of them everybody each time, the two would never work at once.
        """
        with self._there:
            take = min(self._most - already, len(self._line))
            if nobody_ahead and len(self._threads) > 1 and take >= SHARED_FROM:
                take = (take + 1) // 2
            batch = [self._line.popleft() for _ in range(take)]
            if self._line:
                self._there.notify()
        return [each for each in batch if each[1].set_running_or_notify_cancel()]
