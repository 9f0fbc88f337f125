"""Who works off the line: one thread that decides a batch, writes it and answers its callers."""

import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from loyalty.errors import LoyaltyError
from loyalty.ports import Transaction, Wants
from storage.batch import Batch, Done, without_frames
from storage.database import Database, passes
from storage.precedence import Attempt, Overtaken, Precedence
from storage.roundtrip import prepares

T = TypeVar("T")
log = logging.getLogger("milepost.poster")

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Unit(Generic[T]):
    """Work to be done in one piece, what it will need, and the instant to judge it by, if set."""

    work: Callable[[Any], T]
    wants: Wants
    now: datetime | None = None


Waiting = tuple[Unit[Any], "Future[Any]"]


class Clerk:
    """A connection of its own, and work until there is none."""

    def __init__(
        self,
        database: Database,
        transactions: Callable[[Batch], Callable[[datetime | None], Transaction]],
        come: Callable[[], bool],
        next_batch: Callable[[int, bool], list[Waiting]],
        precedence: Precedence,
    ) -> None:
        self._database = database
        self._transactions = transactions
        self._come = come
        self._next = next_batch
        self._precedence = precedence
        self._my_turn = self._turn_is_kept = False
        self._connection: Connection | None = None

    def work(self) -> None:
        """Until the line is empty and the process stops."""
        while self._come():
            # The line is taken in one's turn to decide: what comes meanwhile is for the next.
            self._begin_turn()
            batch = self._next(0, self._precedence.nobody_ahead)
            if not batch:
                self._end_turn()
                continue
            if self._precedence.wait_for(_looked_at(unit for unit, _ in batch)):
                # Nothing could be decided before; more came meanwhile, and goes along.
                batch += self._next(len(batch), False)
            number, settled = self._precedence.number(), threading.Event()
            answers = self._settled([unit for unit, _ in batch], number, settled)
            settled.set()
            for (_, future), done in zip(batch, answers, strict=True):
                if done.error is not None:
                    future.set_exception(done.error)
                else:
                    future.set_result(done.result)
        self._hang_up()

    def _settled(
        self, units: Sequence[Unit[Any]], number: int, settled: threading.Event
    ) -> Sequence[Done[Any]]:
        """Every unit's end: together if that works, in halves until what spoils it is alone."""
        attempts = 0
        while True:
            try:
                return self._together(units, Attempt(number, settled, _looked_at(units)))
            except Overtaken as overtaken:
                overtaken.ahead.settled.wait()
            except DBAPIError as error:
                # A connection lost at the commit leaves open whether it happened. Every unit looks
                # its own keys up first, so doing it again answers that: it is a repeat, or it is
                # done now.
                attempts += 1
                if attempts < ATTEMPTS and (passes(error) or error.connection_invalidated):
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
        halves = (units[:middle], units[middle:])
        with self._turn_kept():
            return [done for half in halves for done in self._settled(half, number, settled)]

    def _together(self, units: Sequence[Unit[Any]], mine: Attempt) -> Sequence[Done[Any]]:
        """One attempt, all of it or nothing."""
        self._begin_turn()
        ahead = self._precedence.follow(mine)

        def before_writing() -> None:
            ahead.ended.wait()
            if ahead.failed and ahead.number < mine.number:
                raise Overtaken(ahead)

        try:
            with self._writing() as connection:
                batch = Batch(connection, units=len(units), before_writing=before_writing)
                batch.load(unit.wants for unit in units)
                transaction = self._transactions(batch)
                done = []
                for unit in units:
                    tx = transaction(unit.now)
                    done.append(batch.run(lambda work=unit.work, tx=tx: work(tx), passes))  # type: ignore[misc]
                self._end_turn()
                batch.finish()
            batch.close()
        except BaseException as error:
            # A refusal gets this far only from a unit by itself: that is its answer, and nothing
            # of it is written.
            if len(units) > 1 or not isinstance(error, LoyaltyError):
                mine.failed = True
                raise
            done = [Done(error=without_frames(error))]
        finally:
            self._end_turn()
            mine.ended.set()
        return done

    def _begin_turn(self) -> None:
        if not self._my_turn:
            self._precedence.begin()
            self._my_turn = True

    @contextmanager
    def _turn_kept(self) -> Iterator[None]:
        """Nobody decides between the parts of one batch: they came before whoever would."""
        before, self._turn_is_kept = self._turn_is_kept, True
        try:
            yield
        finally:
            self._turn_is_kept = before
            self._end_turn()

    def _end_turn(self) -> None:
        if self._my_turn and not self._turn_is_kept:
            self._my_turn = False
            self._precedence.end()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction on a connection of our own; after a failure the next gets another."""
        if self._connection is None:
            self._connection = self._hired()
        try:
            with self._database.write_on(self._connection) as connection:
                yield connection
        except (Overtaken, LoyaltyError):
            raise
        except BaseException:
            self._hang_up()
            raise

    def _hired(self) -> Connection:
        """A connection for good: it never goes back to those that share theirs."""
        connection = self._database.engine.connect()
        try:
            connection.detach()
            if self._database.dialect == "postgresql":
                prepares(connection)
                # All it asks is by key. A plan that was made while a table was small would stay
                # long after it has grown, and read all of it for every batch.
                connection.exec_driver_sql("SET enable_seqscan = off")
                connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def _looked_at(units: Iterable[Unit[Any]]) -> frozenset[Hashable]:
    """All that units name, members or not: a refund names only what its purchase wrote."""
    return frozenset(
        each
        for unit in units
        for wanted in (
            unit.wants.members,
            unit.wants.offers,
            unit.wants.events,
            unit.wants.keys,
            unit.wants.claims,
        )
        for each in wanted
    )


def _away(error: Exception) -> bool:
    """Whether the database could not be reached: then it is not asked again for each unit."""
    if not isinstance(error, DBAPIError):
        return False
    # What the server itself says has a state; that it did not answer has none.
    unanswered = isinstance(error.orig, psycopg.OperationalError) and error.orig.sqlstate is None
    return error.connection_invalidated or unanswered
