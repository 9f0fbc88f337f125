"""Group commit: what queued up during the last commit goes out together in the next one.

One thread of a process takes all work that is waiting, up to a limit and without a timer, does it
in the order it came, and commits once. Every caller gets its own answer. Alone it costs one commit,
as before; under load a hundred share one.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from loyalty.ports import Transaction, Wants
from storage.batch import Batch, Done, Unit
from storage.database import Database, passes

T = TypeVar("T")
log = logging.getLogger("milepost.poster")

MOST = 200
"""Units in one transaction: enough to make the commit cheap, few enough to be answered soon."""
WAITING = 5_000
"""Units in line: more than that would wait for seconds, and are told to come again."""
ATTEMPTS = 3


class Busy(Exception):
    """The line is full: nothing was done, come again in a moment."""


class Stopped(Exception):
    """The process is stopping: nothing was done."""


class Poster:
    """The one writer of a process. `transactions` makes the ports for a batch."""

    def __init__(
        self,
        database: Database,
        transactions: Callable[[Batch], Callable[[datetime | None], Transaction]],
        *,
        most: int = MOST,
        waiting: int = WAITING,
    ) -> None:
        self._database = database
        self._transactions = transactions
        self._most = most
        self._waiting = waiting
        self._line: deque[tuple[Unit[Any], Future[Any]]] = deque()
        self._there = threading.Condition()
        self._stopping = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._work, name="poster", daemon=True)
        self._thread.start()

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
        """Finish what is in line, then end the thread."""
        with self._there:
            self._stopping = True
            self._there.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._there:
                while not self._line and not self._stopping:
                    self._there.wait()
                if not self._line:
                    self._hang_up()
                    return
                take = min(self._most, len(self._line))
                batch = [self._line.popleft() for _ in range(take)]
            batch = [each for each in batch if each[1].set_running_or_notify_cancel()]
            if not batch:
                continue
            units = [unit for unit, _ in batch]
            for (_, future), done in zip(batch, self._settled(units), strict=True):
                if done.error is not None:
                    future.set_exception(done.error)
                else:
                    future.set_result(done.result)

    def _settled(self, units: Sequence[Unit[Any]]) -> Sequence[Done[Any]]:
        """Every unit's end: together if that works, in halves until what spoils it is alone."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._together(units)
            except DBAPIError as error:
                # A connection lost at the commit leaves open whether it happened. Every unit looks
                # its own keys up first, so doing it again answers that: it is a repeat, or it is
                # done now.
                if attempt < ATTEMPTS and (passes(error) or error.connection_invalidated):
                    continue
                failed: Exception = error
                break
            except Exception as error:
                failed = error
                break
        if len(units) == 1 or _away(failed):
            return [Done(error=failed) for _ in units]
        log.warning("%s units could not be written together: %s", len(units), type(failed).__name__)
        middle = len(units) // 2
        return [*self._settled(units[:middle]), *self._settled(units[middle:])]

    def _together(self, units: Sequence[Unit[Any]]) -> Sequence[Done[Any]]:
        with self._writing() as connection:
            batch = Batch(connection, units=len(units))
            batch.load(unit.wants for unit in units)
            transaction = self._transactions(batch)
            done = []
            for unit in units:
                tx = transaction(unit.now)
                done.append(batch.run(lambda work=unit.work, tx=tx: work(tx), passes))  # type: ignore[misc]
            batch.finish()
        return done

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction on a connection of our own; after any failure the next gets another."""
        if self._connection is None:
            self._connection = self._database.engine.connect()
        try:
            with self._database.write_on(self._connection) as connection:
                yield connection
        except BaseException:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def _away(error: Exception) -> bool:
    """Whether the database could not be reached: then it is not asked again for each unit."""
    if not isinstance(error, DBAPIError):
        return False
    # What the server itself says has a state; that it did not answer has none.
    unanswered = isinstance(error.orig, psycopg.OperationalError) and error.orig.sqlstate is None
    return error.connection_invalidated or unanswered
