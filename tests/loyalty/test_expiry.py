"""When points lapse: every policy as a table of dates, and what the ledger does with them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from loyalty.book import Book, Lot, lots_of
from loyalty.errors import Invalid, WrongState
from loyalty.expiry_policy import Expiry
from loyalty.ledger import (
    AT_ONCE,
    UNDATED,
    Expire,
    NotEnoughPoints,
    Prolong,
    Transfer,
    body_hash,
)
from loyalty.posting import decide, transfer

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOON, LATER = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def policy(name: str, **more: object) -> Expiry:
    return Expiry.model_validate({"policy": name, "minimum_life_days": 0, **more})


@pytest.mark.parametrize(
    ("expiry", "earned", "lapses"),
    [
        # A day counts to its end, and a month ends on its last day (rule 12).
        (policy("rolling", months=1), "2026-01-31T09:00", "2026-03-01"),
        (policy("rolling", months=1), "2028-01-31T09:00", "2028-03-01"),
        (policy("rolling", months=None, days=30), "2026-01-01T23:59:59.999999", "2026-02-01"),
        (policy("rolling", months=12, days=1), "2026-02-28T00:00", "2027-03-02"),
        # Whole periods after the one of earning.
        (policy("end_of_month", months=1), "2026-01-31T23:59:59", "2026-03-01"),
        (policy("end_of_month", months=12), "2026-01-01T00:00", "2027-02-01"),
        (policy("end_of_quarter", periods=0), "2026-01-01T00:00", "2026-04-01"),
        (policy("end_of_quarter", periods=0), "2026-03-31T23:59:59", "2026-04-01"),
        (policy("end_of_quarter", periods=1), "2026-12-31T12:00", "2027-04-01"),
        (policy("end_of_year", periods=0), "2026-01-01T00:00", "2027-01-01"),
        (policy("end_of_year", periods=1), "2026-12-31T23:59:59", "2028-01-01"),
    ],
)
def test_points_lapse_at_the_midnight_their_policy_names(
    expiry: Expiry, earned: str, lapses: str
) -> None:
    """The last day is theirs to its end, by the programme's clock and nobody else's."""
    when = at(earned)

    assert expiry.of(when, when, SHANGHAI) == at(lapses)


def test_the_same_receipt_lapses_by_the_zone_of_its_programme() -> None:
    """One instant is two days: eight in the morning in Shanghai is yesterday in New York."""
    instant = at("2026-02-01T08:00")
    end = policy("end_of_month", months=1)

    assert end.of(instant, instant, SHANGHAI) == at("2026-04-01")
    assert end.of(instant, instant, NEW_YORK) == at("2026-03-01", NEW_YORK)


@pytest.mark.parametrize("name", ["none", "inactivity"])
def test_policies_without_a_date_of_their_own_give_none(name: str) -> None:
    """What never lapses, or lapses by what the member does, has no date when it is earned."""
    assert policy(name).of(NOW, NOW, SHANGHAI) is None


def test_a_late_upload_leaves_its_points_a_minimum_life() -> None:
    """Counted from the purchase, but never gone before anybody could spend them (rule 13)."""
    bought, uploaded = at("2026-01-05T10:00"), at("2026-02-27T10:00")
    expiry = Expiry(policy="end_of_month", months=1, minimum_life_days=30)

    assert expiry.of(bought, bought, SHANGHAI) == at("2026-03-01")
    assert expiry.of(bought, uploaded, SHANGHAI) == at("2026-03-29T10:00")


def test_points_wait_until_the_goods_can_no_longer_come_back() -> None:
    """Seven days to return mean the whole of the seventh day (rule 1); a late upload waits less."""
    bought = at("2026-03-01T23:30")
    window = Expiry(return_window_days=7)

    assert window.available_at(bought, bought, SHANGHAI) == at("2026-03-09")
    assert window.available_at(bought, at("2026-03-09"), SHANGHAI) is None
    assert Expiry().available_at(bought, bought, SHANGHAI) is None


def test_each_act_moves_the_end_by_inactivity() -> None:
    """Who keeps buying keeps the points."""
    expiry = policy("inactivity", months=1)

    assert expiry.undated(at("2026-01-31T10:00"), SHANGHAI) == at("2026-03-01")
    assert expiry.undated(at("2026-02-03T10:00"), SHANGHAI) == at("2026-03-04")


def test_points_given_after_the_end_by_inactivity_live_a_minimum_life() -> None:
    """To the end of its last day; whoever was active has the longer of the two (rule 13)."""
    expiry = policy("inactivity", months=1, minimum_life_days=10)
    acted, given = at("2026-01-31T10:00"), at("2026-02-25T23:59")

    assert expiry.undated(acted, SHANGHAI, given) == at("2026-03-08")
    assert expiry.undated(at("2026-02-10T00:00"), SHANGHAI, given) == at("2026-03-11")
    rolling = policy("rolling", months=1, minimum_life_days=90, since=date(2026, 2, 1))
    assert rolling.undated(acted, SHANGHAI, given) == at("2026-03-02")


def test_expiry_switched_on_for_live_members_takes_nothing_for_a_full_period() -> None:
    """Old points without a date live a whole period from the day of the change (rule 8)."""
    long_ago = at("2019-01-01")
    since = date(2026, 3, 10)

    rolling = policy("rolling", months=6, since=since)
    assert rolling.undated(long_ago, SHANGHAI) == at("2026-09-11")
    inactive = policy("inactivity", months=6, since=since)
    assert inactive.undated(long_ago, SHANGHAI) == at("2026-09-11")
    assert policy("rolling", months=6).undated(long_ago, SHANGHAI) is None
    assert policy("none", since=since).undated(long_ago, SHANGHAI) is None


@pytest.mark.parametrize(
    "broken", [{"policy": "rolling", "months": None}, {"policy": "inactivity", "months": None}]
)
def test_a_policy_says_how_long(broken: dict[str, object]) -> None:
    """A length that was forgotten is found at start, not by members."""
    with pytest.raises(ValidationError):
        Expiry.model_validate(broken)


def book(*lots: Lot, debt: int = 0) -> Book:
    held = sum(lot.held for lot in lots)
    return Book(sum(lot.remaining for lot in lots), held, debt, lots_of(*lots))


def test_prolonging_moves_one_date_and_changes_no_balance() -> None:
    """Points that were not announced in time go on living as they are, source and all."""
    state = book(Lot(SOON, "purchase", 10, 3), Lot(SOON, "welcome", 5), Lot(LATER, "purchase", 2))

    posting = decide(Prolong("m", SOON, LATER, 12), state, NOW)

    left = {(lot.expires_at, lot.source): lot.remaining for lot in posting.book.lots.values()}
    assert posting.book.balance == 17
    assert left == {
        (SOON, "purchase"): 3,  # held: a hold keeps its own points
        (SOON, "welcome"): 0,
        (LATER, "purchase"): 9,
        (LATER, "welcome"): 5,
    }
    with pytest.raises(Invalid):
        decide(Prolong("m", LATER, SOON, 2), state, NOW)


def test_only_so_many_are_prolonged_as_were_not_announced() -> None:
    """Those first that can be spent; more than there is free is refused, and nothing is moved."""
    state = book(Lot(SOON, "purchase", 10, 3), Lot(SOON, "purchase", 5, 0, NOW.replace(day=9)))

    posting = decide(Prolong("m", SOON, LATER, 8), state, NOW)

    left = {lot.key[:2]: lot.remaining for lot in posting.book.lots.values()}
    assert left == {
        (SOON, AT_ONCE): 3,
        (LATER, AT_ONCE): 7,
        (SOON, NOW.replace(day=9)): 4,
        (LATER, NOW.replace(day=9)): 1,
    }
    with pytest.raises(NotEnoughPoints):
        decide(Prolong("m", SOON, LATER, 13), state, NOW)


@pytest.mark.parametrize(
    ("debt", "left_owing", "broken"),
    [(0, 0, 50), (30, 0, 20), (50, 0, 0), (80, 30, 0)],
)
def test_points_that_were_kept_for_a_debt_pay_it_when_they_lapse(
    debt: int, left_owing: int, broken: int
) -> None:
    """Fifty points opened while thirty were owed: only twenty could be spent. When they lapse,
    thirty pay the debt; a member who lost all fifty would owe the thirty still (rule 1).
    """
    state = book(Lot(NOW, "purchase", 50), Lot(LATER, "purchase", 7), debt=debt)

    posting = decide(Expire("m", NOW), state, NOW)

    assert (posting.points, posting.book.balance, posting.book.debt) == (50, 7, left_owing)
    breakage = [leg.amount for leg in posting.side.legs if leg.contra == "breakage"]
    assert -sum(breakage) == broken


def test_undated_points_lapse_only_when_the_policy_says_so() -> None:
    """A plain run never touches them; of the others so many as were announced, and pending ones
    are not the member's to lose yet.
    """
    state = book(Lot(UNDATED, "p", 10), Lot(UNDATED, "p", 4, 0, SOON), Lot(NOW, "p", 1))

    assert decide(Expire("m", NOW), state, NOW).book.balance == 14
    assert decide(Expire("m", NOW, 3), state, NOW).book.balance == 11
    assert decide(Expire("m", NOW, 10), state, NOW).book.balance == 4


def test_a_merger_takes_every_lot_as_it_is_and_the_debt() -> None:
    """Pending, undated and soon lapsing points keep their dates; the debt is not forgiven."""
    lots = (Lot(SOON, "p", 5), Lot(UNDATED, "p", 7), Lot(LATER, "p", 3, 0, SOON))
    gone, stays = book(*lots, debt=4), book(Lot(SOON, "p", 1), debt=1)

    posting = transfer(Transfer("m", "n", 0, "merge", True), gone, stays, NOW)

    assert posting.other is not None
    assert (posting.book.balance, posting.book.debt) == (0, 0)
    assert (posting.other.book.balance, posting.other.book.debt) == (11, 0)
    # The 5 that both owe are taken from what lapses soonest.
    assert posting.other.book.lots == lots_of(Lot(SOON, "p", 1), *lots[1:])
    legs = [*posting.side.legs, *posting.other.legs]
    assert sum(leg.amount for leg in legs if leg.contra == "transfer") == 0


@pytest.mark.parametrize(
    ("theirs", "mine", "left", "still_owed"),
    [
        # Who owes was merged into who has, or the other way round.
        ((book(debt=100)), book(Lot(SOON, "p", 500)), {SOON: 400}, 0),
        (book(Lot(SOON, "p", 500)), book(debt=100), {SOON: 400}, 0),
        (book(debt=100), book(Lot(SOON, "p", 30), Lot(LATER, "p", 500)), {SOON: 0, LATER: 430}, 0),
        (book(debt=100), book(Lot(SOON, "p", 60)), {SOON: 0}, 40),
        (book(debt=100), book(debt=5), {}, 105),
        # Not from what is held for an order, pending, or lapsed.
        (book(debt=100), book(Lot(SOON, "p", 120, 70)), {SOON: 70}, 50),
        (book(debt=100), book(Lot(LATER, "p", 120, 0, SOON)), {LATER: 120}, 100),
        (book(debt=100), book(Lot(NOW, "p", 120)), {NOW: 120}, 100),
    ],
)
def test_what_is_owed_is_taken_from_what_is_there(
    theirs: Book, mine: Book, left: dict[datetime, int], still_owed: int
) -> None:
    """Nobody pays twice: points do not lapse beside a debt that they could have paid (rule 1)."""
    posting = transfer(Transfer("m", "n", 0, "merge", True), theirs, mine, NOW)

    assert posting.other is not None
    after = posting.other.book
    assert {lot.expires_at: lot.remaining for lot in after.lots.values()} == left
    assert (after.balance, after.debt, after.held) == (sum(left.values()), still_owed, mine.held)
    legs = [*posting.side.legs, *posting.other.legs]
    for contra in ("transfer", "issuance"):
        assert sum(leg.amount for leg in legs if leg.contra == contra) == 0


def test_a_merger_waits_for_holds() -> None:
    """Points that pay for an order under way are not carried off."""
    with pytest.raises(WrongState):
        transfer(Transfer("m", "n", 0, "merge", True), book(Lot(SOON, "p", 5, 1)), book(), NOW)


def test_fields_that_were_added_leave_older_fingerprints_alone() -> None:
    """A key that was posted before this release is still known by its body."""
    plain = body_hash(Expire("m", NOW))

    assert plain == body_hash(Expire("m", NOW, None))
    assert plain != body_hash(Expire("m", NOW, 4))
