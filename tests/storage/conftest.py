"""A store on each kind of database, with a clock that stands still until a test moves it."""

import pytest

from loyalty.programme import Programme
from storage.database import Database
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.rows import StillClock
from tests.storage.till_desk import RULES, Till


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def store(database: Database, clock: StillClock) -> SqlStore:
    return SqlStore(database, clock, Programme())


@pytest.fixture
def till(store: SqlStore, clock: StillClock) -> Till:
    """A till, and one member with a card and a phone."""
    till = Till(store, clock)
    till.joins("lee", card_no="C-0001", phone="138 0013 8000")
    return till


@pytest.fixture
def one_till(new_database: DatabaseMaker) -> Till:
    """One database for all examples of a property; each has a member of its own."""
    clock = StillClock()
    programme = Programme(earning=RULES)
    return Till(SqlStore(new_database("sqlite"), clock, programme), clock)
