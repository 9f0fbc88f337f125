"""An offer's window and its campaign: who may claim when, and what the others are told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from loyalty import exchange_window
from loyalty.errors import KeyReused, WrongState
from loyalty.offers import OfferNotOpen
from loyalty.ports import Transaction
from loyalty.records import CampaignState
from storage.store import SqlStore
from tests.storage.exchange_desk import HOLD, PRICE, Desk, spec
from tests.storage.rows import NOON, StillClock, campaign


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> Desk:
    return Desk(store, clock)


def test_claims_are_taken_only_in_the_window(desk: Desk) -> None:
    """Before the opening and from the closing instant on, nobody claims, whoever is late."""
    desk.members(lee=1000).announce(opens_at=NOON + timedelta(hours=1))
    with pytest.raises(OfferNotOpen, match="opens at"):
        desk.reserve("lee")

    desk.store.run(lambda tx: exchange_window.open_offer(tx, "gift-day"))
    assert desk.refused(desk.reserve, "lee") == "offer_not_open"
    desk.later(timedelta(hours=1))
    assert desk.refused(desk.reserve, "lee") == "accepted"
    desk.later(timedelta(hours=23))
    with pytest.raises(OfferNotOpen, match="closed"):
        desk.reserve("lee", "r2")


def test_a_reservation_from_before_closing_may_still_be_confirmed(desk: Desk) -> None:
    """Closing turns new claims away and leaves whoever has reserved the time to pay."""
    desk.members(lee=250, kim=250).open()
    desk.reserve("lee", "r1")
    desk.reserve("kim", "r2")

    closed = desk.close()

    assert (closed["state"], closed["reserved"], closed["remaining"]) == ("closed", 2, 3)
    assert desk.refused(desk.reserve, "lee", "r3") == "offer_not_open"
    assert desk.confirm("r1")["status"] == "confirmed"
    desk.later(HOLD)
    assert desk.settle("r2")["outcome"] == "expired"
    assert (desk.close()["remaining"], desk.close()["confirmed"]) == (4, 1)


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_a_campaign_at_rest_takes_no_claims(desk: Desk, state: CampaignState) -> None:
    """The campaign is the gate: pausing it keeps new claims out and reservations valid."""
    desk.members(lee=250).open()
    desk.reserve("lee", "r1")
    gate = replace(campaign("gift-day", template="limited_time_exchange"), state=state)
    desk.store.run(lambda tx: tx.campaigns.save(gate))

    assert desk.refused(desk.reserve, "lee", "r2") == "offer_not_open"
    assert desk.confirm("r1")["status"] == "confirmed"


def test_who_asks_after_a_campaign_was_stopped_hears_when_that_was(desk: Desk) -> None:
    """Stopped at noon and closed by it, asked at six: it did not close at six, nor on its day."""
    desk.members(lee=250).open()
    gate = replace(campaign("gift-day", template="limited_time_exchange"), state="stopped")
    desk.store.run(lambda tx: tx.campaigns.save(replace(gate, ended_at=NOON)))
    desk.close()
    desk.later(timedelta(hours=6))

    with pytest.raises(OfferNotOpen) as refused:
        desk.reserve("lee")

    assert f"the campaign is stopped since {NOON.isoformat()}" in str(refused.value)
    assert [row["reason"] for row in desk.kept("lee")] == ["stopped"]


def test_an_offer_is_announced_opened_and_closed_once(desk: Desk) -> None:
    """Repeating a step of the campaign changes nothing; another offer under its id is refused."""
    desk.members(lee=250).open()
    desk.reserve("lee")

    def again(tx: Transaction) -> None:
        exchange_window.announce_offer(tx, "gift-day", spec())
        exchange_window.open_offer(tx, "gift-day")

    desk.store.run(again)
    assert (desk.shown()["state"], desk.shown()["remaining"]) == ("open", 4)
    with pytest.raises(KeyReused):
        desk.store.run(lambda tx: exchange_window.announce_offer(tx, "gift-day", spec(stock=6)))
    desk.close()
    with pytest.raises(WrongState):
        desk.store.run(lambda tx: exchange_window.open_offer(tx, "gift-day"))


def test_conditions_see_the_offer_live(desk: Desk) -> None:
    """A reminder can go to those who took nothing while some is left."""
    desk.members(lee=250, kim=250).open()
    desk.reserve("lee", quantity=2)

    def facts(tx: Transaction) -> object:
        return exchange_window.offer_facts_of(tx, "gift-day", ["lee", "kim"])

    of_lee = {"offer.points": PRICE, "offer.remaining": 3, "offer.taken": 2}
    assert desk.store.read(facts) == {"lee": of_lee, "kim": of_lee | {"offer.taken": 0}}
    desk.later(HOLD)
    free = {"offer.points": PRICE, "offer.remaining": 5, "offer.taken": 0}
    assert desk.store.read(facts) == {"lee": free, "kim": free}
