"""From when and until when: what a quote says of points is what their lot then has."""

from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from loyalty.events import Line
from loyalty.expiry_policy import Expiry, Policy
from loyalty.ledger import AT_ONCE, UNDATED
from loyalty.programme import Programme
from loyalty.quotes import Cart, quote
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
HALLOWEEN = datetime(2026, 10, 31, 18, tzinfo=SHANGHAI)
_numbers = count(1)


class Desk(FrontDesk):
    """A front desk that quotes a cart and then sells it."""

    def quoted(self, member_id: str, bought_at: datetime) -> dict[str, datetime | None]:
        line = Line(sku="s", category="grocery", net_minor=20_000)
        cart = Cart(member_id=member_id, currency="CNY", occurred_at=bought_at, lines=(line,))
        said = self.store.read(lambda tx: quote(tx, cart))
        return {
            name: said[name] and datetime.fromisoformat(said[name])
            for name in ("available_at", "expires_at")
        }

    def posted(self, member_id: str, bought_at: datetime) -> dict[str, datetime | None]:
        self.buys(member_id, member_id, ("grocery", 20_000), occurred_at=bought_at)
        lots = tables.lots.c
        [lot] = self._rows(
            select(lots.available_at, lots.expires_at).where(
                lots.source == "purchase", lots.account_id == f"member:{member_id}"
            )
        )
        return {
            "available_at": None if lot.available_at == AT_ONCE else lot.available_at,
            "expires_at": None if lot.expires_at == UNDATED else lot.expires_at,
        }


def _desk(database: Database, expiry: Expiry, now: datetime) -> Desk:
    clock = StillClock(now)
    return Desk(SqlStore(database, clock, Programme(expiry=expiry)), clock)


def test_a_quote_counts_the_minimum_life_from_the_end_of_the_return_window(
    database: Database,
) -> None:
    """Spendable from 1 December on, so they live until the 31st and not only until the 1st."""
    expiry = Expiry(policy="end_of_month", months=1, return_window_days=30)
    desk = _desk(database, expiry, HALLOWEEN)
    desk.joins("lee")

    quoted = desk.quoted("lee", HALLOWEEN)

    assert quoted == {
        "available_at": datetime(2026, 12, 1, tzinfo=SHANGHAI),
        "expires_at": datetime(2026, 12, 31, tzinfo=SHANGHAI),
    }
    assert desk.posted("lee", HALLOWEEN) == quoted


@pytest.fixture
def books(new_database: DatabaseMaker) -> Database:
    """One database for all examples; each has a member and a programme of its own."""
    return new_database("sqlite")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    policy=st.sampled_from(
        ["rolling", "end_of_month", "end_of_quarter", "end_of_year", "inactivity", "none"]
    ),
    months=st.integers(1, 14),
    window=st.sampled_from([0, 1, 30, 90, 400]),
    life=st.sampled_from([0, 30, 200]),
    day=st.integers(0, 400),
    late=st.sampled_from([0, 1, 29, 31, 120]),
)
def test_a_quote_and_the_lot_that_follows_have_the_same_dates(
    books: Database, policy: Policy, months: int, window: int, life: int, day: int, late: int
) -> None:
    """Whatever the policy, the window and the delay of the upload (rules 1, 6, 9, 13)."""
    expiry = Expiry(policy=policy, months=months, return_window_days=window, minimum_life_days=life)
    now = HALLOWEEN + timedelta(days=day)
    desk, name = _desk(books, expiry, now), f"m{next(_numbers)}"
    desk.joins(name)
    bought_at = now - timedelta(days=late)

    quoted = desk.quoted(name, bought_at)

    assert desk.posted(name, bought_at) == quoted
