"""One door to the database: short transactions on SQLite or PostgreSQL, the same to the caller.

A write holds what it locks until it ends, so work in it is brief and never waits for anything but
the database. Everything a caller asks for happens, or nothing does.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from storage.refused_writes import RefusedWrites
from storage.tables import metadata

T = TypeVar("T")

ATTEMPTS = 4
_READ_ONLY = "milepost_read_only"
# Serialization failure, deadlock, and another program that wrote the same key first: whoever
# looks again finds out what really happened.
_PASSING_STATES = frozenset({"40001", "40P01", "23505"})

# A server that is cut off answers nothing at all, and TCP would wait minutes for it: whoever asks
# shall hear within seconds that it is away.
_NO_SILENCE = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def database_url(text: str) -> URL:
    """The address with the driver we ship filled in; ValueError for other kinds of database."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # their words may quote the password
        raise ValueError(
            "is not an address: write sqlite:///folder/file.db or postgresql://user@host/database"
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ValueError(f"{url.drivername!r} is not supported: use sqlite:/// or postgresql://")
    if url.drivername == "sqlite" and not url.database:
        raise ValueError("an in-memory SQLite database cannot be shared: name a file")
    return url


def open_engine(url: str, *, synchronous: str = "FULL", pool_size: int = 10) -> Engine:
    """An engine set up for a ledger: durable commits, no lost updates, no stale connections."""
    address = database_url(url)
    if address.drivername == "sqlite":
        return _open_sqlite(address, synchronous)
    return create_engine(
        address,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # errors end up in logs and histories; rows do not
        pool_size=pool_size,
        max_overflow=2 * pool_size,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args=_NO_SILENCE,
    )


def _open_sqlite(address: URL, synchronous: str) -> Engine:
    # Writers queue at our own lock before they take a connection, so only readers share the pool.
    engine = create_engine(address, pool_size=8, max_overflow=64, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        # The driver would begin transactions lazily and lose updates: we begin them ourselves.
        connection.isolation_level = None
        for pragma in (
            "busy_timeout=10000",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            # A checkpoint every few commits would cost more than the commits themselves.
            "wal_autocheckpoint=8000",
            "cache_size=-32000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get(_READ_ONLY)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


class WriterQueue:
    """One writer at a time, first come first served: SQLite's own wait is a lottery of sleeps."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._owner: int | None = None

    def acquire(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._owner == me:
                raise RuntimeError("a write inside a write: pass the connection on instead")
            if self._owner is None:
                self._owner = me
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()
        except BaseException:
            self._abandon(turn)
            raise
        self._owner = me

    def release(self) -> None:
        with self._guard:
            self._owner = None
            if self._waiting:
                self._owner = -1  # handed over: nobody may step in between
                self._waiting.popleft().release()

    def _abandon(self, turn: threading.Lock) -> None:
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return
        self.release()


_queues: dict[Path, WriterQueue] = {}
_queues_guard = threading.Lock()


def _queue_for(address: URL) -> WriterQueue | None:
    if address.drivername != "sqlite":
        return None
    with _queues_guard:
        return _queues.setdefault(Path(str(address.database)).resolve(), WriterQueue())


def passes(error: DBAPIError) -> bool:
    """Whether the failure is weather (locks, a lost race), so that the same work may succeed."""
    state = getattr(error.orig, "sqlstate", None)
    text = str(error.orig)
    return (
        state in _PASSING_STATES
        or "database is locked" in text
        or "UNIQUE constraint failed" in text
    )


class Database:
    """Transactions on one database, from any thread."""

    def __init__(self, url: str, *, synchronous: str = "FULL", pool_size: int = 10) -> None:
        address = database_url(url)
        self.url = url
        self.engine = open_engine(url, synchronous=synchronous, pool_size=pool_size)
        self.dialect = self.engine.dialect.name
        self.refused = RefusedWrites(self.engine)
        self._queue = _queue_for(address)
        self._reader = (
            self.engine.execution_options(**{_READ_ONLY: True})
            if self._queue
            else self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, undone when it raises."""
        if self._queue is None:
            with self.engine.begin() as connection:
                yield connection
            return
        self._queue.acquire()
        try:
            with self.engine.begin() as connection:
                yield connection
        finally:
            self._queue.release()

    @contextmanager
    def write_on(self, connection: Connection) -> Iterator[Connection]:
        """The same on a connection that its owner keeps open from one write to the next."""
        if self._queue is None:
            with connection.begin():
                yield connection
            return
        self._queue.acquire()
        try:
            with connection.begin():
                yield connection
        finally:
            self._queue.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: every query in the block sees the same instant."""
        with self._reader.connect() as connection:
            yield connection

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do the whole work in one transaction, again from the start if the weather undid it.

        The work must have no effect outside its connection. Refusals are answers, not weather:
        they pass through at once.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.write() as connection:
                    return work(connection)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not passes(error):
                    raise
        raise AssertionError("unreachable")

    def create_all(self) -> None:
        """Make the tables without migrations: for tests only."""
        with self.write() as connection:
            metadata.create_all(connection)

    def dispose(self) -> None:
        """Close every pooled connection; the object must not be used after it."""
        self.engine.dispose()
