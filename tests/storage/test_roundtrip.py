"""Many statements in one round trip: answers in order, errors heard, lines that live on."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage import arrays
from storage.roundtrip import Statement, ask, line, prepares, send
from tests.conftest import DatabaseMaker

COUNTED = "SELECT count(*) FROM unnest(%s::text[]) AS given(each)"
ECHO = "SELECT each FROM unnest(%s::text[]) WITH ORDINALITY AS given(each, place) ORDER BY place"


@pytest.fixture(params=[False, True], ids=["plain", "prepared"])
def connection(request: pytest.FixtureRequest, new_database: DatabaseMaker) -> Iterator[Connection]:
    """A connection to PostgreSQL, as everybody's and as a clerk's own."""
    with new_database("postgres").engine.connect() as connection:
        if request.param:
            prepares(connection)
        yield connection


def test_answers_come_back_in_the_order_of_the_questions(connection: Connection) -> None:
    """Also those of a statement that was asked before on the same line."""
    for _ in range(3):
        ones, many, none = ask(
            connection,
            [
                Statement("SELECT 1, 'a'::text"),
                Statement("SELECT n FROM generate_series(1, %s::int) AS n", ("3",)),
                Statement("SELECT 1 WHERE false"),
            ],
        )
        assert list(ones) == [(1, "a")]
        assert list(many) == [(1,), (2,), (3,)]
        assert list(none) == []


def test_what_is_sent_in_a_line_runs_before_the_next_question(connection: Connection) -> None:
    """Writes wait for a question to go out with; the question sees them."""
    connection.exec_driver_sql("CREATE TEMPORARY TABLE given (n integer)")
    with line(connection):
        send(connection, Statement("INSERT INTO given VALUES (%s::int)", ("1",)))
        send(connection, Statement("INSERT INTO given VALUES (%s::int)", ("2",)))
        [seen] = ask(connection, [Statement("SELECT sum(n) FROM given")])
        send(connection, Statement("INSERT INTO given VALUES (%s::int)", ("4",)))
    [after] = ask(connection, [Statement("SELECT sum(n) FROM given")])

    assert list(seen) == [(3,)]
    assert list(after) == [(7,)]


def test_a_statement_that_fails_is_heard_and_the_line_lives_on(connection: Connection) -> None:
    """Whatever was asked with it: the transaction is over, the connection is not."""
    for _ in range(2):
        with pytest.raises(DBAPIError, match="division by zero") as failed:
            ask(connection, [Statement("SELECT 1"), Statement("SELECT 1/0"), Statement("SELECT 2")])
        assert not failed.value.connection_invalidated
        connection.rollback()
        # The driver forgets what it prepared when something is rolled back; that must not matter.
        connection.exec_driver_sql("SELECT 'by the driver'")
        [alive] = ask(connection, [Statement("SELECT 1")])
        assert list(alive) == [(1,)]
        connection.rollback()


def test_text_that_cannot_be_kept_is_refused_before_anything_is_said(
    connection: Connection,
) -> None:
    """PostgreSQL's text ends at NUL: what follows would be lost without a word."""
    for bad in ("a\x00b", "half \udc00"):
        with pytest.raises((DBAPIError, UnicodeEncodeError)):
            ask(connection, [Statement(COUNTED, (arrays.texts([bad]),))])
    [count] = ask(connection, [Statement(COUNTED, (arrays.texts(["a", "b"]),))])
    assert list(count) == [(2,)]


def test_megabytes_both_ways_at_once_block_nobody(connection: Connection) -> None:
    """The server answers while it is still being told; somebody has to listen meanwhile."""
    long = ["x" * 10_000] * 800
    echoed = ask(connection, [Statement(ECHO, (arrays.texts(long),))] * 3)
    assert [[row[0] for row in rows] for rows in echoed] == [long] * 3


kept = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.none() | kept))
def test_any_text_arrives_as_it_was(connection: Connection, texts: list[str | None]) -> None:
    """Quotes, backslashes, braces, commas, the word NULL, emptiness and nothing at all."""
    [rows] = ask(connection, [Statement(ECHO, (arrays.texts(texts),))])
    assert [row[0] for row in rows] == texts


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_any_number_arrives_as_it_was(connection: Connection, given: list[int | None]) -> None:
    """Both ends of what a column holds."""
    text = ECHO.replace("text[]", "bigint[]")
    [rows] = ask(connection, [Statement(text, (arrays.numbers(given),))])
    assert [row[0] for row in rows] == given
