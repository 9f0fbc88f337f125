"""The ledger's rules on plain values: which lots are used, what is refused, what sums to zero."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty.book import Book, Hold, Lot, Move, Original, Posting, available, lots_of
from loyalty.errors import Invalid, WrongState
from loyalty.ledger import (
    UNDATED,
    Adjust,
    Burn,
    Confirm,
    Earn,
    Expire,
    Forfeit,
    HoldClosed,
    HoldStatus,
    NotEnoughPoints,
    Release,
    Request,
    Reserve,
    ReversalTooLarge,
    Reverse,
    Transfer,
    body_hash,
)
from loyalty.posting import decide, transfer

NOW = datetime(2026, 10, 7, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=5)
LATER = NOW + timedelta(days=90)
GONE = NOW - timedelta(days=1)


def book(*lots: Lot, debt: int = 0, hold: Hold | None = None) -> Book:
    held = sum(lot.held for lot in lots)
    return Book(sum(lot.remaining for lot in lots), held, debt, lots_of(*lots), hold)


def post(request: Request, state: Book) -> Posting:
    """Decide, and check what must hold of every posting."""
    posting = decide(request, state, NOW)
    assert sum(legs(posting).values()) == 0
    amount = sum(leg.amount for leg in posting.side.legs if leg.account == "member")
    assert sum(m.amount for m in posting.side.moves) == amount
    held = sum(leg.held_delta for leg in posting.side.legs)
    assert sum(m.held_delta for m in posting.side.moves) == held
    lots = posting.book.lots.values()
    assert posting.book.balance == sum(lot.remaining for lot in lots)
    assert posting.book.held == sum(lot.held for lot in lots)
    assert all(0 <= lot.held <= lot.remaining for lot in lots)
    return posting


def legs(posting: Posting) -> dict[str, int]:
    """What moved on each account, both sides of every entry."""
    sums: Counter[str] = Counter()
    for leg in posting.side.legs:
        sums[leg.account] += leg.amount
        sums[leg.contra] -= leg.amount
    return {account: amount for account, amount in sums.items() if amount}


def left(posting: Posting) -> list[int]:
    return [lot.remaining for lot in posting.book.lots.values()]


def test_earned_points_top_up_the_lot_of_their_expiry_and_source() -> None:
    """A second purchase of the month adds to the month's lot instead of making another."""
    posting = post(Earn("m", 30, expires_at=SOON), book(Lot(SOON, "purchase", 10)))

    assert legs(posting) == {"issuance": -30, "member": 30}
    assert posting.book.lots == lots_of(Lot(SOON, "purchase", 40))


def test_points_are_spent_soonest_expiry_first_then_by_source_undated_last() -> None:
    """Nobody loses points to a date because newer ones were spent before them."""
    state = book(
        Lot(UNDATED, "purchase", 10),
        Lot(LATER, "purchase", 10),
        Lot(SOON, "welcome", 10),
        Lot(SOON, "purchase", 10),
        Lot(GONE, "purchase", 10),
    )
    posting = post(Burn("m", 35), state)

    assert [(m.expires_at, m.source, m.amount) for m in posting.side.moves] == [
        (SOON, "purchase", -10),
        (SOON, "welcome", -10),
        (LATER, "purchase", -10),
        (UNDATED, "purchase", -5),
    ]


@pytest.mark.parametrize(
    ("state", "there"),
    [
        (book(), 0),
        (book(Lot(SOON, "purchase", 99)), 99),
        (book(Lot(NOW, "purchase", 100)), 0),  # the instant of expiry is too late
        (book(Lot(NOW + timedelta(microseconds=1), "purchase", 99)), 99),
        (book(Lot(SOON, "purchase", 150, held=60)), 90),
        (book(Lot(SOON, "purchase", 150), debt=60), 90),
    ],
)
def test_spending_more_than_is_available_is_refused(state: Book, there: int) -> None:
    """The refusal says what it takes and what is there; lapsed, held and owed points are not."""
    for request in (Burn("m", 100), Reserve("m", 100, "h", SOON)):
        with pytest.raises(NotEnoughPoints) as refusal:
            decide(request, state, NOW)
        assert (refusal.value.needed, refusal.value.available) == (100, there)


@pytest.mark.parametrize("points", [0, -5])
def test_nothing_and_less_cannot_be_posted(points: int) -> None:
    """A negative earn is not a way to burn."""
    state = book(Lot(SOON, "purchase", 10))
    for request in (Earn("m", points), Burn("m", points), Reserve("m", points, "h", SOON)):
        with pytest.raises(Invalid):
            decide(request, state, NOW)


def test_a_hold_keeps_its_lots_through_their_expiry() -> None:
    """Points cannot lapse under a customer at the till."""
    held = post(Reserve("m", 10, "h", SOON), book(Lot(SOON, "purchase", 30)))
    after = SOON + timedelta(days=1)
    swept = decide(Expire("m", after), held.book, after)

    assert legs(swept) == {"member": -20, "breakage": 20}
    assert swept.book.lots == lots_of(Lot(SOON, "purchase", 10, held=10))


@pytest.mark.parametrize(("points", "spent"), [(None, 25), (25, 25), (12, 12)])
def test_a_hold_is_confirmed_whole_or_in_part(points: int | None, spent: int) -> None:
    """What is not spent goes back to its lots in the same step."""
    held = post(
        Reserve("m", 25, "h", LATER), book(Lot(SOON, "purchase", 20), Lot(LATER, "purchase", 20))
    )
    posting = post(Confirm("h", points), held.book._replace(hold=held.hold))

    assert legs(posting) == {"member": -spent, "redemption": spent}
    assert posting.available_after == 40 - spent
    assert left(posting) == [max(0, 20 - spent), 40 - spent - max(0, 20 - spent)]
    assert posting.hold is not None
    assert posting.hold.status == "confirmed"


def test_a_hold_cannot_be_confirmed_for_more_than_it_holds() -> None:
    """A dearer basket needs a new hold."""
    held = post(Reserve("m", 25, "h", SOON), book(Lot(SOON, "purchase", 100)))
    with pytest.raises(NotEnoughPoints):
        decide(Confirm("h", 26), held.book._replace(hold=held.hold), NOW)


def test_a_released_hold_gives_every_point_back() -> None:
    """A cancelled order leaves the member as before."""
    state = book(Lot(SOON, "purchase", 20), Lot(LATER, "purchase", 20))
    held = post(Reserve("m", 25, "h", SOON), state)
    posting = post(Release("h"), held.book._replace(hold=held.hold))

    assert posting.book.lots == state.lots
    assert posting.available_after == 40


def test_a_hold_past_its_deadline_cannot_be_confirmed_but_released() -> None:
    """Late is late for the buyer; giving back is always possible."""
    held = post(Reserve("m", 10, "h", SOON), book(Lot(LATER, "purchase", 10)))
    state = held.book._replace(hold=held.hold)
    with pytest.raises(HoldClosed):
        decide(Confirm("h"), state, SOON)
    posting = decide(Release("h"), state, SOON)

    assert posting.hold is not None
    assert posting.hold.status == "expired"


@pytest.mark.parametrize("status", ["confirmed", "released", "expired"])
def test_a_closed_hold_stays_closed(status: HoldStatus) -> None:
    """Nothing is spent or given back twice."""
    closed = Hold("h", 10, status, SOON, ((Lot(SOON, "purchase", 10).key, 10),))
    state = book(Lot(SOON, "purchase", 10), hold=closed)
    for request in (Confirm("h"), Release("h")):
        with pytest.raises(HoldClosed):
            decide(request, state, NOW)


def original(kind: str = "earn", *moves: Move, already: int = 0) -> Original:
    points = abs(sum(move.amount for move in moves)) or 100
    return Original("k", kind, points, moves, already)


def undo(state: Book, what: Original, points: int | None = None, policy: str = "debt") -> Posting:
    return post(Reverse("k", points, policy), state._replace(original=what))


def test_taking_back_starts_with_the_purchases_own_lot() -> None:
    """The points that came are the points that go; only what is missing comes from elsewhere."""
    state = book(Lot(SOON, "welcome", 50), Lot(LATER, "purchase", 60), Lot(UNDATED, "gift", 50))
    posting = undo(state, original("earn", Move(LATER, "purchase", 100)))

    assert legs(posting) == {"issuance": 100, "member": -100}
    assert left(posting) == [10, 0, 50]


SHORT: Mapping[str, tuple[dict[str, int], int]] = {
    "within_balance": ({"issuance": 40, "member": -40}, 60),
    "debt": ({"issuance": 100, "member": -40, "debt": -60}, 0),
}


@pytest.mark.parametrize("policy", SHORT)
def test_points_already_spent_are_forgiven_or_owed_by_policy(policy: str) -> None:
    """Refund after the points were spent: what is there is taken, held points never."""
    state = book(Lot(SOON, "purchase", 50, held=10))
    posting = undo(state, original("earn", Move(SOON, "purchase", 100)), policy=policy)

    assert (legs(posting), posting.shortfall) == SHORT[policy]
    assert posting.points == 100
    assert posting.available_after == 0


def test_the_strict_policy_takes_nothing_when_something_is_missing() -> None:
    """Stop means that somebody looks first."""
    with pytest.raises(NotEnoughPoints):
        undo(book(Lot(SOON, "p", 40)), original("earn", Move(SOON, "p", 100)), policy="stop")


def test_later_earning_repays_the_debt_first() -> None:
    """A member 60 in debt who earns 100 has 40 and owes nothing."""
    posting = post(Earn("m", 100, expires_at=SOON), book(debt=60))

    assert legs(posting) == {"issuance": -100, "member": 40, "debt": 60}
    assert (posting.debt_change, posting.book.debt, posting.available_after) == (-60, 0, 40)


def test_an_earn_that_only_repaid_makes_no_lot() -> None:
    """There is no lot of nothing."""
    posting = post(Earn("m", 50, expires_at=SOON), book(debt=60))

    assert sum(lot.remaining for lot in posting.book.lots.values()) == 0
    assert posting.book.debt == 10


def test_points_that_live_on_under_the_date_of_another_lot_are_not_mistaken_for_its_own() -> None:
    """A burn took 10 each of two lots; the older lapsed, and was first given the newer's date."""
    moves = (Move(GONE, "purchase", -10), Move(LATER, "purchase", -10))
    whole = original("burn", *moves)
    first = post(Reverse("k", 15, reinstate_until=LATER), book()._replace(original=whole))
    second = undo(first.book, whole._replace(reversed_points=15))

    assert left(first) == [15]
    assert left(second) == [15]
    assert second.lapsed == 5


def test_a_cancelled_burn_returns_to_the_same_lots_last_spent_first() -> None:
    """What stays spent is what a smaller purchase would have spent, with the same dates."""
    burn = post(Burn("m", 30), book(Lot(SOON, "purchase", 20), Lot(LATER, "purchase", 20)))
    first = undo(burn.book, original("burn", *burn.side.moves), points=15)
    second = undo(first.book, original("burn", *burn.side.moves, already=15))

    assert left(burn) == [0, 10]
    assert left(first) == [5, 20]
    assert left(second) == [20, 20]


def test_a_burn_cancelled_after_its_lot_lapsed_comes_back_lapsed() -> None:
    """Cancelling is not a way to extend the life of points (rule 7)."""
    posting = undo(book(), original("burn", Move(GONE, "purchase", -100)))

    assert posting.lapsed == 100
    assert legs(posting) == {"redemption": -100, "breakage": 100}
    assert posting.book.balance == 0


def test_a_burn_that_the_shop_cancels_comes_back_to_life() -> None:
    """No stock, a lost parcel: the member is not to blame for the days that passed (rule 7)."""
    state = book()._replace(original=original("burn", Move(GONE, "purchase", -100)))
    posting = decide(Reverse("k", reinstate_until=LATER), state, NOW)

    assert posting.book.lots == lots_of(Lot(LATER, "purchase", 100))
    assert (posting.lapsed, posting.available_after) == (0, 100)


def test_points_in_their_return_window_are_there_and_cannot_be_spent() -> None:
    """The window closes by itself: nothing has to be posted for it (rule 1)."""
    posting = post(Earn("m", 30, expires_at=LATER, available_at=SOON), book())

    assert (posting.book.balance, posting.available_after) == (30, 0)
    with pytest.raises(NotEnoughPoints):
        decide(Burn("m", 1), posting.book, NOW)
    assert decide(Burn("m", 30), posting.book, SOON).book.balance == 0


def test_a_refund_takes_the_pending_points_and_touches_nothing_else() -> None:
    """What was spent meanwhile came from other receipts: the refund makes no debt."""
    earned = post(
        Earn("m", 30, expires_at=LATER, available_at=SOON), book(Lot(SOON, "purchase", 50))
    )
    posting = undo(earned.book, original("earn", *earned.side.moves))

    assert left(posting) == [50, 0]
    assert posting.book.debt == 0


def test_points_handed_over_keep_their_expiry() -> None:
    """A gift is no way to make points live longer (rules 18 and 25)."""
    giver = book(Lot(SOON, "welcome", 20), Lot(LATER, "purchase", 20))
    taker = book(Lot(LATER, "purchase", 5))
    posting = transfer(Transfer("m", "n", 30), giver, taker, NOW)

    assert posting.other is not None
    assert left(posting) == [0, 10]
    assert posting.other.book.lots == lots_of(Lot(LATER, "purchase", 15), Lot(SOON, "welcome", 20))
    assert legs(posting) == {"member": -30, "transfer": 30}


def test_points_cannot_be_handed_to_oneself() -> None:
    """One book on both sides would lose what moved."""
    state = book(Lot(SOON, "purchase", 10))
    with pytest.raises(Invalid):
        transfer(Transfer("m", "m", 5), state, state, NOW)


@pytest.mark.parametrize(("points", "after"), [(40, 50), (-4, 6)])
def test_an_adjustment_goes_either_way(points: int, after: int) -> None:
    """A correction is an entry of its own; nothing posted is changed (rule 15)."""
    posting = post(Adjust("m", points), book(Lot(SOON, "purchase", 10)))

    assert posting.book.balance == after
    assert legs(posting) == {"member": points, "issuance": -points}


def test_who_leaves_leaves_everything() -> None:
    """The balance leaves by an entry of that name, pending, lapsed and owed points with it."""
    state = book(Lot(GONE, "p", 1), Lot(SOON, "p", 2), Lot(LATER, "p", 3, 0, SOON), debt=4)
    posting = post(Forfeit("m"), state)

    assert (posting.book.balance, posting.book.debt) == (0, 0)
    assert legs(posting) == {"member": -6, "debt": 4, "breakage": 2}
    held = book(Lot(SOON, "p", 2, held=1))
    with pytest.raises(WrongState):
        decide(Forfeit("m"), held, NOW)


@pytest.mark.parametrize(("already", "asked"), [(0, 101), (60, 41), (100, None), (100, 1)])
def test_no_more_is_reversed_than_was_posted(already: int, asked: int | None) -> None:
    """Two refunds of one receipt never take more than the receipt gave."""
    state = book(Lot(SOON, "purchase", 500))
    with pytest.raises(ReversalTooLarge):
        undo(state, original("earn", Move(SOON, "purchase", 100), already=already), asked)


@pytest.mark.parametrize("kind", ["hold", "release", "reverse", "expire"])
def test_only_what_gave_or_spent_points_can_be_reversed(kind: str) -> None:
    """A hold is released, an expiry stays."""
    with pytest.raises(WrongState):
        undo(book(Lot(SOON, "purchase", 100)), original(kind))


def test_an_unknown_policy_is_refused() -> None:
    """A typing mistake must not decide about a member's debt."""
    with pytest.raises(Invalid):
        undo(book(Lot(SOON, "p", 1)), original("earn", Move(SOON, "p", 1)), policy="perhaps")


def test_only_what_lapsed_is_broken_whatever_it_came_from() -> None:
    """Bonus lots are as mortal as purchases; undated ones are not; the future cannot be swept."""
    state = book(Lot(GONE, "welcome", 10), Lot(NOW, "purchase", 20), Lot(SOON, "purchase", 30))
    posting = post(Expire("m", NOW), state)

    assert legs(posting) == {"member": -30, "breakage": 30}
    with pytest.raises(Invalid):
        decide(Expire("m", SOON), state, NOW)


def test_available_never_shows_less_than_nothing() -> None:
    """A member in debt has nothing to spend, not minus something."""
    assert available([Lot(SOON, "p", 10)], debt=60, now=NOW) == 0


def test_the_same_request_has_the_same_fingerprint_in_any_zone() -> None:
    """An offset is a way of writing, an amount is not."""
    shanghai = SOON.astimezone(ZoneInfo("Asia/Shanghai"))
    one, same = Earn("m", 10, expires_at=SOON), Earn("m", 10, expires_at=shanghai)

    assert body_hash(one) == body_hash(same)
    assert body_hash(one) != body_hash(replace(one, points=11))
    assert body_hash(Burn("m", 10)) != body_hash(Release("m"))
