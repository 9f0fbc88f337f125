"""The door to the database: nothing lost, nothing half done, refusals passed through."""

import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import DBAPIError

from loyalty.errors import LoyaltyError
from storage import migrate
from storage.database import Database, open_engine
from storage.readiness import database_state
from storage.tables import metadata


def _set(connection: Connection, value: int) -> None:
    connection.execute(text("INSERT INTO claim_counts VALUES ('o', 'm', :v)"), {"v": value})


def _add_one(connection: Connection, member: str = "m") -> None:
    lock = " FOR UPDATE" if connection.dialect.name == "postgresql" else ""
    row = {"m": member}
    taken = connection.execute(
        text(f"SELECT taken FROM claim_counts WHERE member_id = :m{lock}"), row
    ).scalar_one()
    connection.execute(
        text("UPDATE claim_counts SET taken = :v WHERE member_id = :m"), row | {"v": taken + 1}
    )


def _taken(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(text("SELECT sum(taken) FROM claim_counts")).scalar_one())


def test_migrations_make_exactly_the_tables_of_the_program(database: Database) -> None:
    """A database brought up by migrations has every table, column and index the code names."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_migrations_can_be_taken_back_and_applied_again(database: Database) -> None:
    """An operator may go back to nothing and up again on a database that ran."""
    url = database.engine.url.render_as_string(hide_password=False)
    database.dispose()
    migrate.downgrade(url, "base")
    with database.read() as connection:
        left = set(inspect(connection).get_table_names())
    database.dispose()
    migrate.upgrade(url)

    assert left == {"alembic_version"}
    assert migrate.current(url) == migrate.head()


def test_programs_that_start_together_migrate_once(tmp_path: Path) -> None:
    """Server, worker and relay may all be told to migrate the same new file."""
    url = f"sqlite:///{tmp_path}/new.sqlite3"
    _together(4, lambda _: migrate.upgrade(url))

    assert migrate.current(url) == migrate.head()


def test_a_transaction_happens_whole_or_not_at_all(database: Database) -> None:
    """A failure in the middle leaves nothing behind."""
    with pytest.raises(ConnectionAbortedError), database.write() as connection:
        _set(connection, 7)
        raise ConnectionAbortedError
    with database.read() as connection:
        rows = connection.execute(text("SELECT count(*) FROM claim_counts")).scalar_one()

    assert rows == 0


def _together(threads: int, work: Any) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(threads)

    def one(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    crowd = [threading.Thread(target=one, args=(n,)) for n in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    if errors:
        raise errors[0]


def test_no_update_is_lost_when_many_count_at_once(database: Database) -> None:
    """Twenty tills adding one twenty times each make four hundred."""
    with database.write() as connection:
        _set(connection, 0)
    _together(20, lambda _: [database.run(_add_one) for _ in range(20)])

    assert _taken(database) == 400


def test_two_programs_on_one_file_do_not_lose_updates(tmp_path: Path) -> None:
    """A second engine on the same SQLite file (another process) is waited for, not overrun."""
    url = f"sqlite:///{tmp_path}/shared.sqlite3"
    migrate.upgrade(url)
    first, other = Database(url, synchronous="OFF"), Database(url, synchronous="OFF")
    other._queue = None  # as a process of its own would: it does not see our queue
    with first.write() as connection:
        _set(connection, 0)
    _together(4, lambda n: [(first, other)[n % 2].run(_add_one) for _ in range(10)])

    assert _taken(first) == 40
    first.dispose()
    other.dispose()


def test_a_deadlock_is_weather_and_the_work_runs_again(new_database: Any) -> None:
    """Two workers that lock two members in opposite order both finish."""
    database = new_database("postgres")
    with database.write() as connection:
        for member in "ab":
            connection.execute(text("INSERT INTO claim_counts VALUES ('o', :m, 0)"), {"m": member})
    meet = threading.Barrier(2, timeout=10)
    tries: list[int] = []

    def work(number: int) -> None:
        def cross(connection: Connection) -> None:
            first = number not in tries
            tries.append(number)
            for member in ("ab", "ba")[number]:
                _add_one(connection, member)
                if first and member == "ab"[number]:
                    meet.wait()

        database.run(cross)

    _together(2, work)

    assert _taken(database) == 4
    assert len(tries) > 2


def test_a_refusal_is_an_answer_and_is_never_tried_again(database: Database) -> None:
    """What the business refused is not asked four times."""
    tries = []

    def refuse(connection: Connection) -> None:
        tries.append(1)
        raise LoyaltyError("no")

    with pytest.raises(LoyaltyError):
        database.run(refuse)

    assert tries == [1]


def test_a_lasting_fault_is_shown_after_one_try(database: Database) -> None:
    """A wrong statement is a bug, not weather."""
    with pytest.raises(DBAPIError):
        database.run(lambda connection: connection.execute(text("SELECT nonsense FROM nowhere")))


def test_a_database_that_takes_no_writes_is_not_ready_until_it_takes_one(
    database: Database,
) -> None:
    """Its disk is full, say: it reads as ever, and cannot keep a purchase."""
    forbidden = "SET TRANSACTION READ ONLY"
    if database.dialect == "sqlite":
        forbidden = "PRAGMA query_only = ON"
    full = [True]

    @event.listens_for(database.engine, "begin")
    def disk(connection: Connection) -> None:
        if full[0]:
            connection.exec_driver_sql(forbidden)
        elif database.dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = OFF")

    assert database_state(database)[0], "nobody has tried to write yet"
    with pytest.raises(DBAPIError), database.write() as connection:
        _set(connection, 7)
    refused = [database_state(database) for _ in range(2)]
    full[0] = False
    mended = database_state(database)

    assert [ready for ready, _ in refused] == [False, False]
    assert refused[0][1].startswith("the database takes no writes (")
    assert mended[0]
    assert database.refused.why is None


def test_readers_see_one_instant(database: Database) -> None:
    """What a report sums does not move while it is being read."""
    with database.write() as connection:
        _set(connection, 1)
    with database.read() as reader:
        before = reader.execute(text("SELECT taken FROM claim_counts")).scalar_one()
        database.run(_add_one)
        after = reader.execute(text("SELECT taken FROM claim_counts")).scalar_one()

    assert (before, after) == (1, 1)
    assert _taken(database) == 2


def test_a_write_inside_a_write_is_refused_at_once(new_database: Any) -> None:
    """On SQLite it would wait for itself for ever."""
    database = new_database("sqlite")
    with pytest.raises(RuntimeError, match="inside a write"), database.write(), database.write():
        pass

    database.run(lambda connection: _set(connection, 1))


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite+aiosqlite:///x"])
def test_other_databases_are_refused(url: str) -> None:
    """Better a clear no at the start than a ledger on a database nobody tested."""
    with pytest.raises(ValueError, match=r"supported|shared"):
        open_engine(url)
