"""The check behind every drill would notice what the drills look for."""

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, text

from loyalty.journeys.turn import take_turn
from storage.tables import enrolments
from tests.conftest import DatabaseMaker
from tests.faults.people import WELCOME, buy, join
from tests.faults.shop import Shop, opened

BREAKS = {
    "a grant is lost": "DELETE FROM transactions WHERE kind = 'grant'",
    "a grant has no decision": "DELETE FROM decisions WHERE step_id = 'grant'",
    "a balance is off": "UPDATE accounts SET balance = balance + 1 WHERE kind = 'member'",
    "a budget is off": "UPDATE campaigns SET granted_points = granted_points + 1",
    "a message went out twice": (
        "INSERT INTO messages SELECT key || '2', member_id, campaign_id, version, enrolment_id, "
        "message, channel, purpose, locale, variables, status, created_at, due_at, expires_at, "
        "attempts, claimed_at, sent_at, read_at, subject, body, last_error, day, held_back_by "
        "FROM messages"
    ),
    "a journey sleeps for ever": "UPDATE enrolments SET wake_at = '2020-01-01 00:00:00'",
    "a row for Temporal was given up": "UPDATE outbox SET dead_at = created_at",
}


@pytest.fixture
async def shop(new_database: DatabaseMaker, tmp_path: Path) -> Shop:
    """Two members greeted and waiting, one of whom bought; every row told to Temporal."""
    with opened(new_database("sqlite"), tmp_path, "127.0.0.1:1") as shop:
        await shop.launch("new_member_bonus", budget_points=10_000)
        await join(shop, ["lee", "kim"])
        with shop.database.read() as connection:
            journeys = list(connection.execute(select(enrolments.c.id)).scalars())
        for journey in journeys:
            await shop.does(partial(take_turn, enrolment_id=journey, turn=0))
        with shop.database.write() as connection:
            connection.execute(text("UPDATE outbox SET sent_at = created_at"))
        await buy(shop, ["kim"])
        for member in ("lee", "kim"):
            shop.points[member] += WELCOME
    return shop


async def test_a_sound_programme_passes(shop: Shop) -> None:
    found = shop.sound()
    assert (found.enrolments, found.messages) == (2, 2)


@pytest.mark.parametrize("what", BREAKS)
async def test_a_broken_one_does_not(shop: Shop, what: str) -> None:
    """Each thing that a fault might leave behind, done by hand."""
    with shop.database.write() as connection:
        assert connection.execute(text(BREAKS[what])).rowcount > 0

    with pytest.raises(AssertionError):
        shop.sound()


async def test_points_nobody_should_have_are_noticed(shop: Shop) -> None:
    shop.points["lee"] -= 1
    with pytest.raises(AssertionError, match="lee"):
        shop.sound()
