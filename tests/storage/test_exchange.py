"""Limited-time exchange: stock, limits and points move together, once, and come back together."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from loyalty import exchange
from loyalty.errors import KeyReused, LoyaltyError, Unknown, WrongState
from loyalty.merging import Merger, merge
from loyalty.offers import Fault, LimitReached, SoldOut
from storage.batch import Batch
from storage.database import passes
from storage.store import SqlStore
from tests.storage.exchange_desk import HOLD, PRICE, Desk
from tests.storage.rows import NOON, StillClock, campaign, member

A_MOMENT = timedelta(microseconds=1)
MIDNIGHT = NOON + timedelta(minutes=5)  # somewhere, between a claim and its deadline
LATER = NOON + timedelta(days=90)


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> Desk:
    return Desk(store, clock)


def test_a_reservation_sets_stock_limit_and_points_aside(desk: Desk) -> None:
    """A member who claims two gifts holds two of the stock and pays nothing yet."""
    desk.members(lee=250).open()

    answer = desk.reserve("lee", quantity=2)

    assert answer["claim_id"] == "gift-day/r1"
    assert (answer["status"], answer["points"], answer["replayed"]) == ("reserved", 200, False)
    assert answer["expires_at"] == (NOON + HOLD).isoformat()
    assert (desk.standing().remaining, desk.standing().reserved) == (3, 2)
    assert (desk.balance("lee").available, desk.balance("lee").held) == (50, 200)
    brief = {"claim_id": "gift-day/r1", "campaign_id": "gift-day", "turn": 0}
    assert desk.sent("start_order") == [("x/gift-day/r1", brief)]


def test_a_confirmed_claim_spends_the_points_for_good(desk: Desk) -> None:
    """When the shop hands the gift over, the points are spent; telling it twice changes nothing."""
    desk.members(lee=250).open()
    desk.reserve("lee")

    first, again = desk.confirm(), desk.confirm()

    assert (first["status"], first["replayed"]) == ("confirmed", False)
    assert (again["status"], again["replayed"]) == ("confirmed", True)
    assert (desk.balance("lee").posted, desk.balance("lee").held) == (150, 0)
    assert (desk.standing().remaining, desk.standing().confirmed) == (4, 1)
    assert desk.sent("nudge_order") == [("x/gift-day/r1", {"reason": "confirmed"})]
    assert desk.settle()["outcome"] == "confirmed"


def test_a_release_gives_everything_back_once(desk: Desk) -> None:
    """A cancelled order returns stock, limit and points; cancelling again returns nothing more."""
    desk.members(lee=250).open()
    desk.reserve("lee", quantity=2)

    first = desk.release(fault="merchant", reason="payment_failed")
    again = desk.release()

    assert (first["status"], first["replayed"]) == ("released", False)
    assert (again["status"], again["replayed"]) == ("released", True)
    assert desk.standing().remaining == 5
    assert desk.counted() == {}
    assert (desk.balance("lee").available, desk.balance("lee").held) == (250, 0)
    assert desk.reasons("lee") == ["claim_reserved", "claim_released"]
    assert desk.settle()["ended"]
    assert desk.reserve("lee", "r2", quantity=2)["status"] == "reserved"


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("member", [(LATER, 50)]),
        ("merchant", [(MIDNIGHT + timedelta(days=30), 100), (LATER, 50)]),
    ],
)
def test_a_gift_that_the_shop_cannot_hand_over_costs_no_points(
    desk: Desk, grouped: bool, fault: Fault, left: list[tuple[datetime, int]]
) -> None:
    """Rule 7: points lapsed at midnight while held for a gift that broke: they live on for a while.

    Cancelling oneself is no way to a longer life, and nobody's other points are touched.
    """
    if grouped:
        desk.store.group()
    desk.members(lee=0).open().earns("lee", (100, MIDNIGHT), (50, LATER))
    desk.reserve("lee")
    desk.clock.instant = MIDNIGHT

    answer = desk.release(fault=fault, reason="broken")

    assert (answer["status"], answer["points"], answer["replayed"]) == ("released", 100, False)
    assert desk.release(fault=fault)["replayed"] is True
    assert desk.settle()["outcome"] == "released"
    assert desk.reasons("lee") == ["claim_reserved", "claim_released"]
    assert desk.balance("lee").next_expiry == left
    assert (desk.balance("lee").available, desk.balance("lee").held) == (
        sum(dict(left).values()),
        0,
    )
    assert (desk.standing().remaining, desk.counted()) == (5, {})
    desk.store.close()


def test_the_same_request_again_gets_the_first_answer(desk: Desk) -> None:
    """A till that lost the answer asks again and takes nothing twice, even once it is over."""
    desk.members(lee=250).open()
    first = desk.reserve("lee")

    again = desk.reserve("lee")
    desk.release()
    after = desk.reserve("lee")

    assert again == after == first | {"replayed": True}
    assert desk.standing().remaining == 5
    assert len(desk.sent("start_order")) == 1


@pytest.mark.parametrize(("who", "quantity"), [("lee", 2), ("kim", 1)])
def test_a_request_id_cannot_be_used_for_something_else(
    desk: Desk, who: str, quantity: int
) -> None:
    """Another quantity or another member under a used id is refused, never a silent yes."""
    desk.members(lee=250, kim=250).open()
    desk.reserve("lee")

    with pytest.raises(KeyReused):
        desk.reserve(who, quantity=quantity)

    assert desk.standing().reserved == 1


def test_each_refusal_has_its_own_code_and_leaves_nothing(desk: Desk) -> None:
    """Sold out, limit reached and too few points are told apart, and nothing is half taken."""
    desk.members(lee=1000, kim=150, ann=1000).open(stock=4)
    desk.reserve("lee", "r1", 2)

    with pytest.raises(LimitReached) as limit:
        desk.reserve("lee", "r2")
    with pytest.raises(SoldOut) as sold:
        desk.reserve("ann", "r3", 3)
    assert desk.refused(desk.reserve, "kim", "r4", 2) == "not_enough_points"

    assert limit.value.facts["taken"] == 2
    assert sold.value.facts["remaining"] == 2
    assert desk.standing().remaining == 2
    assert desk.counted() == {"lee": 2}
    assert (desk.balance("kim").held, desk.balance("ann").held) == (0, 0)
    assert len(desk.sent("start_order")) == 1
    assert desk.reserve("kim", "r4")["replayed"] is False


def test_more_than_the_limit_at_once_is_refused(desk: Desk) -> None:
    """The first claim of a member may not pass the limit either."""
    desk.members(lee=1000).open(per_member=2)

    assert desk.refused(desk.reserve, "lee", "r1", 3) == "limit_reached"
    assert desk.standing().remaining == 5


def test_an_unconfirmed_reservation_gives_everything_back_by_itself(desk: Desk) -> None:
    """Fifteen minutes without a word from the shop: stock and points are free again."""
    desk.members(lee=250).open()
    desk.reserve("lee")

    waiting = desk.settle()
    desk.later(HOLD)
    over = desk.settle(turn=1)

    assert (waiting["ended"], waiting["sleep_seconds"]) == (False, HOLD.total_seconds())
    assert waiting["wake_at"] == (NOON + HOLD).isoformat()
    assert (over["ended"], over["outcome"]) == (True, "expired")
    assert desk.standing().remaining == 5
    assert (desk.balance("lee").available, desk.balance("lee").held) == (250, 0)
    assert desk.settle(turn=1)["outcome"] == "expired"
    assert desk.release()["replayed"] is True
    assert desk.standing().remaining == 5


def test_an_orders_timer_is_believed_where_the_clock_is_behind(desk: Desk) -> None:
    """The instant an order was to wake at counts as reached when its timer woke it."""
    desk.members(lee=250).open()
    desk.reserve("lee")
    desk.later(HOLD - A_MOMENT)

    assert desk.settle(turn=1)["ended"] is False
    assert desk.settle(turn=1, due=NOON + HOLD)["outcome"] == "expired"
    assert desk.balance("lee").available == 250


def test_the_deadline_is_exclusive(desk: Desk) -> None:
    """One moment before the deadline the shop may still confirm; at the deadline it may not."""
    desk.members(lee=250, kim=250).open()
    desk.reserve("lee", "r1")
    desk.reserve("kim", "r2")

    desk.later(HOLD - A_MOMENT)
    assert desk.confirm("r1")["status"] == "confirmed"
    desk.later(A_MOMENT)
    with pytest.raises(WrongState, match="new request id") as late:
        desk.confirm("r2")

    assert late.value.facts["status"] == "expired"
    assert desk.balance("kim").available == 250


def test_void_reservations_never_stand_in_anybodys_way(desk: Desk) -> None:
    """While orders sleep through an outage, what ran out is shown as free and can be claimed."""
    desk.members(lee=100, kim=100).open(stock=1, per_member=1)
    desk.reserve("lee", "r1")
    assert desk.refused(desk.reserve, "kim", "r2") == "sold_out"

    desk.later(HOLD)

    assert desk.shown()["remaining"] == 1
    assert desk.balance("lee").available == 100
    assert desk.reserve("kim", "r2")["status"] == "reserved"
    assert desk.status("r1") == "expired"
    assert desk.refused(desk.confirm, "r1") == "wrong_state"
    assert desk.settle("r1")["outcome"] == "expired"
    assert desk.standing().remaining == 0
    assert (desk.balance("lee").available, desk.balance("lee").held) == (100, 0)


def test_a_members_own_void_reservation_frees_limit_and_points(desk: Desk) -> None:
    """Who let a reservation run out may claim again at once, with the same points."""
    desk.members(lee=PRICE).open(per_member=1)
    desk.reserve("lee", "r1")
    desk.later(HOLD)

    assert desk.reserve("lee", "r2")["status"] == "reserved"
    assert desk.counted() == {"lee": 1}
    assert desk.balance("lee").held == PRICE


def test_a_confirmed_claim_is_final(desk: Desk) -> None:
    """Points spent on goods that were handed over are not given back by a release."""
    desk.members(lee=250).open()
    desk.reserve("lee")
    desk.confirm()

    with pytest.raises(WrongState, match="handed over"):
        desk.release()
    assert desk.balance("lee").available == 150


def test_who_or_what_is_not_there_is_named(desk: Desk) -> None:
    """Unknown members, offers and claims are refused by name; a member who left cannot claim."""
    desk.members(lee=250).open()
    desk.store.run(lambda tx: tx.members.add(member("gone", status="left"), "h" * 64, {}))
    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: desk.reserve("nobody"), "member"),
        (lambda: Desk(desk.store, desk.clock, "no-such-offer").reserve("lee"), "offer"),
        (lambda: desk.confirm("r9"), "claim"),
        (lambda: desk.release("r9"), "claim"),
    ]

    for act, kind in acts:
        with pytest.raises(Unknown) as refused:
            act()
        assert refused.value.facts["kind"] == kind
    with pytest.raises(LoyaltyError, match="left"):
        desk.reserve("gone")


# --- refused, and on record ---------------------------------------------------------------------


def _too_many_pressed(desk: Desk) -> None:
    desk.members(han=PRICE).reserve("han", "first")


def _pauses(desk: Desk) -> None:
    _state(desk, "paused")


def _stops(desk: Desk) -> None:
    _state(desk, "stopped")


def _state(desk: Desk, state: Any) -> None:
    gate = replace(campaign(desk.offer_id, template="limited_time_exchange"), state=state)
    desk.store.run(lambda tx: tx.campaigns.save(gate))


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(
    ("offer", "before", "quantity", "code", "kept"),
    [
        ({"opens_at": NOON + timedelta(hours=1)}, None, 1, "offer_not_open", "too_early"),
        ({}, lambda desk: desk.close(), 1, "offer_not_open", "too_late"),
        ({}, _pauses, 1, "offer_not_open", "paused"),
        ({}, _stops, 1, "offer_not_open", "stopped"),
        ({"who": 'member.tier == "diamond"'}, None, 1, "not_eligible", "not_eligible"),
        ({"stock": 1}, _too_many_pressed, 1, "sold_out", "sold_out"),
        ({"per_member": 1}, None, 2, "limit_reached", "limit_reached"),
        ({"per_member": 5}, None, 3, "not_enough_points", "not_enough_points"),
    ],
)  # fmt: skip
def test_who_pressed_and_got_nothing_can_be_told_why(
    desk: Desk, grouped: bool, offer: dict[str, Any], before: Any, quantity: int, code: str,
    kept: str,
) -> None:  # fmt: skip
    """The cause and the instant are kept, and nothing else of the claim is."""
    if grouped:
        desk.store.group()
    desk.members(lee=250)
    (desk.announce if "opens_at" in offer else desk.open)(**offer)
    if before is not None:
        before(desk)
    stood = desk.standing()

    assert desk.refused(desk.reserve, "lee", "r1", quantity) == code
    desk.later(timedelta(minutes=1))
    assert desk.refused(desk.reserve, "lee", "r2", quantity) == code

    [row] = desk.kept("lee")
    assert (row["reason"], row["request_id"], row["at"]) == (kept, "r2", desk.clock.now())
    assert (row["quantity"], row["title"]) == (quantity, {"en": "Soup set", "zh": "煲汤食材包"})
    assert (desk.standing(), desk.balance("lee").available) == (stood, 250)
    assert "lee" not in desk.counted()
    desk.store.close()


def test_an_exchange_for_some_asks_the_member_as_they_claim(desk: Desk) -> None:
    """Who spends enough while it runs may take it; the order of who may asks nobody again."""
    desk.members(lee=2 * PRICE, kim=PRICE).open(who="member.purchases >= 1 && member.points >= 100")
    assert desk.refused(desk.reserve, "lee") == "not_eligible"
    [kept] = desk.kept("lee")
    assert kept["facts"]["failed"] == [
        {"rule": "member.purchases >= 1", "seen": {"member.purchases": 0}}
    ]

    desk.store.run(lambda tx: tx.members.save(replace(tx.members.lock("lee"), purchases=1)))
    first = desk.reserve("lee")
    desk.store.run(lambda tx: tx.members.save(replace(tx.members.lock("lee"), purchases=0)))

    assert desk.reserve("lee") == {**first, "replayed": True}
    assert desk.confirm("r1")["status"] == "confirmed"
    assert desk.refused(desk.reserve, "kim", "r2") == "not_eligible"


def test_a_request_that_was_refused_may_still_succeed(desk: Desk) -> None:
    """Sold out, then somebody gave one back: the same press gets it; the refusal stays known."""
    desk.members(lee=PRICE, han=PRICE).open(stock=1)
    desk.reserve("han", "theirs")
    assert desk.refused(desk.reserve, "lee") == "sold_out"
    desk.release("theirs")

    assert desk.reserve("lee")["status"] == "reserved"
    assert desk.reserve("lee")["replayed"] is True
    assert [row["reason"] for row in desk.kept("lee")] == ["sold_out"]


def test_refusals_of_two_cards_are_one_persons(desk: Desk) -> None:
    """A merger hands them over; of one offer and cause the survivor's own is kept."""
    desk.members(lee=0, old=0).open(per_member=1)
    desk.refused(desk.reserve, "lee", "r1")
    desk.refused(desk.reserve, "old", "r2")
    desk.refused(desk.reserve, "old", "r3", 2)
    merger = Merger(id="m1", reason="same person")
    desk.store.run(lambda tx: merge(tx, "old", "lee", merger, "ola"))

    kept = {row["reason"]: row["request_id"] for row in desk.kept("lee")}
    assert kept == {"not_enough_points": "r1", "limit_reached": "r3"}
    assert desk.kept("old") == []


def test_a_refusal_gives_back_what_nobody_confirmed(desk: Desk) -> None:
    """Two are wanted and one is void: too few, but that one is for the next."""
    desk.members(lee=2 * PRICE, han=PRICE).open(stock=1)
    desk.reserve("han", "theirs")
    desk.later(HOLD)

    assert desk.refused(desk.reserve, "lee", "r1", 2) == "sold_out"

    assert (desk.status("theirs"), desk.standing().remaining) == ("expired", 1)
    assert desk.kept("lee")[0]["facts"] == {"asked": 2, "remaining": 1}


def test_a_crowd_that_is_refused_costs_one_statement_more(desk: Desk) -> None:
    """However many of a batch get nothing, one statement keeps all of it."""
    crowd = {f"m{n}": PRICE for n in range(30)}
    desk.members(**crowd).open(stock=1)
    desk.reserve("m0", "first")
    said: list[str] = []
    requests = [desk.request(name, f"r-{name}") for name in crowd]
    with desk.store.database.write() as connection:
        batch = Batch(connection, units=30)
        transaction = desk.store.transactions(batch)(None)
        batch.load(exchange.claim_wants(request) for request in requests)
        event.listen(connection, "before_cursor_execute", lambda *a: said.append(a[2]))
        for request in requests:
            done = batch.run(partial(exchange.reserve, transaction, request), passes)
            assert isinstance(done.result, SoldOut)
        batch.finish()

    # One look for what is overdue, in its savepoint, and one row of rows.
    assert len(said) <= 5, said
    assert [len(desk.kept(name)) for name in crowd] == [1] * 30
