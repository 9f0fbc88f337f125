"""A store on each kind of database, with a clock that stands still until a test moves it."""

import pytest

from loyalty.programme import Programme
from storage.database import Database
from storage.store import SqlStore
from tests.storage.rows import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def store(database: Database, clock: StillClock) -> SqlStore:
    return SqlStore(database, clock, Programme())
