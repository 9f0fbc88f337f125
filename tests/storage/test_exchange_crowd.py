"""A thousand claims at once on a stock of a hundred."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from storage.store import SqlStore
from tests.storage.exchange_desk import PRICE, Desk
from tests.storage.rows import StillClock

# As many as a shop's servers would send at once; the rest stand in line behind them.
AT_ONCE = 24


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> Desk:
    return Desk(store, clock)


def _all_at_once(desk: Desk, claims: list[tuple[str, str, int]]) -> Counter[str]:
    start = Barrier(AT_ONCE)

    def one(number: int) -> str:
        if number < AT_ONCE:
            start.wait()
        return desk.refused(desk.reserve, *claims[number])

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        return Counter(crowd.map(one, range(len(claims))))


def test_a_thousand_claims_on_a_hundred_gifts_give_exactly_a_hundred(desk: Desk) -> None:
    """Four hundred members click a thousand times: a hundred gifts go out, nobody overdraws."""
    # Every tenth member cannot pay at all, every fifth for one only.
    means = {f"m{n}": 0 if n % 10 == 0 else PRICE if n % 5 == 0 else 3 * PRICE for n in range(400)}
    desk.members(**means).open(stock=100, per_member=2)

    outcome = _all_at_once(desk, [(f"m{n * 7 % 400}", f"r{n}", 1) for n in range(1000)])

    assert outcome["accepted"] == 100
    assert outcome["sold_out"] >= 700
    assert set(outcome) <= {"accepted", "sold_out", "limit_reached", "not_enough_points"}
    assert (desk.standing().remaining, desk.standing().reserved) == (0, 100)
    taken = desk.counted()
    assert max(taken.values()) <= 2
    assert taken == desk.claimed()
    for member_id, points in means.items():
        held = taken.get(member_id, 0) * PRICE
        balance = desk.balance(member_id)
        assert (balance.held, balance.available) == (held, points - held)
        assert balance.available >= 0
    orders = desk.sent("start_order")
    assert len({order for order, _ in orders}) == len(orders) == 100


def test_one_members_clicks_at_once_stay_within_limit_and_balance(desk: Desk) -> None:
    """Forty clicks by one member with points for three and a limit of five give three gifts."""
    desk.members(lee=3 * PRICE).open(stock=50, per_member=5)

    outcome = _all_at_once(desk, [("lee", f"r{n}", 1) for n in range(40)])

    assert outcome == {"accepted": 3, "not_enough_points": 37}
    assert desk.counted() == {"lee": 3}
    assert desk.balance("lee").available == 0


def test_the_same_click_sent_many_times_at_once_counts_once(desk: Desk) -> None:
    """A nervous till that sends one request forty times gets forty times the same answer."""
    desk.members(lee=10 * PRICE).open(stock=50, per_member=5)

    outcome = _all_at_once(desk, [("lee", "r1", 1)] * 40)

    assert outcome == {"accepted": 40}
    assert desk.counted() == {"lee": 1}
    assert desk.balance("lee").held == PRICE
    assert len(desk.sent("start_order")) == 1


def test_one_request_id_belongs_to_whoever_comes_first(desk: Desk) -> None:
    """Forty members under one request id at once: one has it, the others are told it is used."""
    desk.members(**{f"m{n}": PRICE for n in range(40)}).open(stock=50)

    outcome = _all_at_once(desk, [(f"m{n}", "r1", 1) for n in range(40)])

    assert outcome == {"accepted": 1, "key_reused": 39}
    assert desk.standing().reserved == 1
    assert sum(desk.counted().values()) == 1


def test_everything_that_ends_a_claim_at_once_ends_it_once(desk: Desk) -> None:
    """Shop, member and order all speak at the same moment: a claim ends one way, and only once."""
    members = {f"m{n}": PRICE for n in range(20)}
    desk.members(**members).open(stock=20, per_member=1)
    for member_id in members:
        desk.reserve(member_id, member_id)

    def end(number: int) -> None:
        claim = f"m{number // 3}"
        desk.refused((desk.confirm, desk.release, desk.settle)[number % 3], claim)

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        list(crowd.map(end, range(60)))

    statuses = {member_id: desk.status(member_id) for member_id in members}
    assert set(statuses.values()) <= {"confirmed", "released"}
    confirmed = [m for m, status in statuses.items() if status == "confirmed"]
    assert desk.standing().confirmed == len(confirmed)
    assert desk.standing().remaining == 20 - len(confirmed)
    for member_id in members:
        left = 0 if member_id in confirmed else PRICE
        balance = desk.balance(member_id)
        assert (balance.posted, balance.held, balance.available) == (left, 0, left)
