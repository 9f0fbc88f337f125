"""Many statements in one round trip to PostgreSQL, at the cost of little more than one.

A batch asks and writes a dozen things. By the driver's cursors each of them is several steps in
Python and several system calls; here they go out and come back together through the driver's own
libpq. On a connection that `prepares` their texts are prepared once. An error is the driver's own,
raised once everything has come back.
"""

import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Rows = Sequence[Any]

_LINE, _PREPARED = "milepost_line", "milepost_prepared"
_POLL_MS = 1000  # the operating system says when a server is silent for too long; then poll ends
_numbers = count(1)
_names: dict[str, bytes] = {}


class Statement(NamedTuple):
    """A statement with `%s` for each value; values are texts as PostgreSQL reads them."""

    text: str
    values: tuple[str, ...] = ()


@contextmanager
def line(connection: Connection) -> Iterator[None]:
    """What is sent in the block waits for the next question, or for the block's end."""
    info = connection.info  # a lost connection would not give it any more
    waiting = info.setdefault(_LINE, [])
    try:
        yield
        if waiting:
            ask(connection, ())
    finally:
        info.pop(_LINE, None)


def send(connection: Connection, statement: Statement) -> None:
    """A statement whose answer nobody needs: with the next question, where a line is open."""
    waiting = connection.info.get(_LINE)
    if waiting is None:
        ask(connection, [statement])
    else:
        waiting.append(statement)


def ask(connection: Connection, statements: Sequence[Statement]) -> Sequence[Rows]:
    """The rows of each, after everything that waits in line. They run in order."""
    waiting: list[Statement] = connection.info.get(_LINE, [])
    everything = [*waiting, *statements]
    waiting.clear()
    if not connection.in_transaction():
        connection.begin()  # as for any other statement, so that it can be taken back
    raw: Any = connection.connection.dbapi_connection
    with translated(connection):
        results = _round(raw, connection.info.setdefault(_PREPARED, set()), everything)
        rows: Any = Transformer.from_context(raw)
        return [_rows(rows, each) for each in results[len(results) - len(statements) :]]


def _rows(transformer: Any, result: Any) -> Rows:
    if not result.ntuples:
        return []
    transformer.set_pgresult(result)
    rows: Rows = transformer.load_rows(0, result.ntuples, tuple)
    return rows


def _round(raw: Any, prepared: set[bytes], statements: Sequence[Statement]) -> Sequence[Any]:
    pgconn = raw.pgconn
    # Encoded before anything is said: what cannot be sent must not spoil the connection.
    encoded = [(text, [_bytes(value) for value in values]) for text, values in statements]
    # Where the driver prepares statements of its own it now and then forgets all there are.
    ours = raw.prepare_threshold is None
    fresh = {_name(text): text for text, _ in encoded if ours and _name(text) not in prepared}
    begin = _begin(raw, pgconn)
    pgconn.enter_pipeline_mode()
    try:
        if begin:
            pgconn.send_query_params(begin, None)
        for name, text in fresh.items():
            pgconn.send_prepare(name, _numbered(text).encode())
        for text, values in encoded:
            if ours:
                pgconn.send_query_prepared(_name(text), values)
            else:
                pgconn.send_query_params(_numbered(text).encode(), values)
        pgconn.pipeline_sync()
        results = _come_back(pgconn)
        pgconn.exit_pipeline_mode()
    except BaseException:
        # Half of a conversation is left on the line: nobody can use it any more.
        pgconn.finish()
        raise
    first = 1 if begin else 0
    for name, result in zip(fresh, results[first:], strict=False):
        if result.status == ExecStatus.COMMAND_OK:
            prepared.add(name)
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result, encoding="utf-8")
    return results[first + len(fresh) :]


def prepares(connection: Connection) -> None:
    """Keep our statements prepared on this connection, and the driver's own not."""
    raw: Any = connection.connection.dbapi_connection
    raw.prepare_threshold = None
    # With the first rollback the driver drops whatever is prepared, if any of it is its own: now,
    # before there is anything of ours.
    connection.exec_driver_sql("SELECT 1")
    connection.rollback()


def _begin(raw: Any, pgconn: Any) -> bytes | None:
    """What opens the transaction, as the driver would; none where it is open."""
    if raw.autocommit or pgconn.transaction_status != TransactionStatus.IDLE:
        return None
    words = ["BEGIN"]
    if raw.isolation_level is not None:
        words.append(f"ISOLATION LEVEL {raw.isolation_level.name.replace('_', ' ')}")
    if raw.read_only:
        words.append("READ ONLY")
    return " ".join(words).encode()


def _name(text: str) -> bytes:
    """A name for the statement, the same on every connection of this process."""
    return _names.get(text) or _names.setdefault(text, f"milepost_{next(_numbers)}".encode())


@lru_cache(maxsize=1024)
def _numbered(text: str) -> str:
    """The statement with `$1` and so on, as the server wants it."""
    parts = text.split("%s")
    return "".join(f"{part}${n}" for n, part in enumerate(parts[:-1], 1)) + parts[-1]


def _bytes(value: str) -> bytes:
    if "\x00" in value:
        raise psycopg.DataError("PostgreSQL text cannot contain NUL (0x00) bytes")
    return value.encode()


def _come_back(pgconn: Any) -> list[Any]:
    """Send what is left and take every answer, up to the end of the round."""
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN | select.POLLOUT)
    while pgconn.flush():
        # The server may want to be heard before it listens on.
        for _, event in poll.poll(_POLL_MS):
            if event & ~select.POLLOUT:
                pgconn.consume_input()
    poll.modify(pgconn.socket, select.POLLIN)
    results: list[Any] = []
    while True:
        while pgconn.is_busy():
            if poll.poll(_POLL_MS):
                pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            continue  # the end of one statement's answer
        if result.status == ExecStatus.PIPELINE_SYNC:
            return results
        results.append(result)


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """The driver's own errors are raised as SQLAlchemy's, so that one handler knows all."""
    try:
        yield
    except psycopg.Error as error:
        raise _as_sqlalchemy(connection, error) from error


def _as_sqlalchemy(connection: Connection, error: psycopg.Error) -> Exception:
    raw: Any = connection.connection.dbapi_connection
    gone = raw is None or raw.closed or isinstance(error, psycopg.errors.AdminShutdown)
    if gone:
        connection.invalidate()
    wrapped = DBAPIError.instance(
        None,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=bool(gone),
        dialect=connection.dialect,
    )
    return wrapped if isinstance(wrapped, Exception) else error
