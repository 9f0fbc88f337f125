"""Rule 3: the refund of an order that points paid for in part."""

from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.erasure import Erasure, erase
from loyalty.errors import Invalid, KeyReused, WrongState
from loyalty.events import Line
from loyalty.merging import Merger, merge
from tests.storage.rows import NOON
from tests.storage.till_desk import DAY, MINUTE, Till


def test_a_refund_gives_points_back_to_the_same_lots(till: Till) -> None:
    """Rule 3: same lots, same expiry; the cash leaves out what the points paid."""
    lots = [(600, NOON + 5 * DAY), (900, NOON + 90 * DAY)]
    till.starts_with(*lots)
    till.pays_with(1_000, ("grocery", 20_000))
    assert (NOON + 90 * DAY, 500) in till.lots()
    assert NOON + 5 * DAY not in dict(till.lots())

    till.clock.instant = NOON + DAY
    answer = till.returns("r1")

    assert (answer["amount_minor"], answer["cash_minor"]) == (20_000, 19_000)
    assert (answer["points_returned"], answer["points_reversed"]) == (1_000, 19)
    assert [(points, at) for at, points in till.lots()] == lots
    assert till.balance("lee").debt == 0
    till.proved()


@pytest.mark.parametrize(
    "pieces",
    [
        ({1: 3},),
        ({1: 1}, {1: 1}, {1: 1}),
        ({1: 2}, {1: 1}),
        ({1: 1}, None),
        ({2: 1}, {1: 1, 3: 1}, {1: 2}),
        (None,),
    ],
)
def test_parts_of_an_order_return_parts_of_the_points(
    till: Till, pieces: tuple[dict[int, int] | None, ...]
) -> None:
    """Rule 3: in whatever pieces the order comes back, the points and the cash sum to the whole."""
    till.starts_with((5_000, NOON + 90 * DAY))
    held = till.holds(1_000, net=33_333)
    till.confirms()
    till.buys(
        "lee",
        "r1",
        ("grocery", 10_001, 3),
        ("fresh", 13_331),
        ("drinks", 10_001),
        paid_with_points_minor=held["worth_minor"],
    )

    answers = [till.returns("r1", some) for some in pieces]
    if sum(answer["amount_minor"] for answer in answers) < 33_333:
        answers.append(till.returns("r1"))

    assert sum(answer["points_returned"] for answer in answers) == 1_000
    assert sum(answer["cash_minor"] for answer in answers) == 33_333 - 1_000
    assert all(answer["cash_minor"] >= 0 for answer in answers)
    assert till.balance("lee").posted == 5_000
    till.proved()


@pytest.mark.parametrize(
    ("first", "cash", "points"),
    [({2: 1}, [0, 40_000], [40_000, 0]), ({1: 1}, [40_000, 0], [0, 40_000])],
)
def test_a_gift_card_bought_along_turns_no_points_into_money(
    till: Till, first: dict[int, int], cash: list[int], points: list[int]
) -> None:
    """400 yuan of groceries paid with points beside a gift card for 400, and each comes back.

    The groceries bring the points and no money, the card its money and no points.
    """
    till.starts_with((40_000, None))
    lines = [("gift_card", 40_000), ("grocery", 40_000)]
    cart = tuple(Line(sku="s", category=category, net_minor=net) for category, net in lines)
    till.holds(40_000, lines=cart)
    till.confirms()
    sold = till.buys("lee", "r1", *lines, paid_with_points_minor=40_000)
    assert (sold["points"], _by_points(sold)) == (0, [0, 40_000])

    backs = [till.returns("r1", first), till.returns("r1")]

    assert [back["cash_minor"] for back in backs] == cash
    assert [back["points_returned"] for back in backs] == points
    assert till.balance("lee").available == 40_000
    till.proved()


@pytest.mark.parametrize(
    ("lines", "paid", "shares", "earns"),
    [
        # On groceries and drinks by what they cost; the card is money, and earns nothing anyway.
        (
            [("gift_card", 10_000), ("grocery", 30_000), ("drinks", 10_000)],
            20_000,
            [0, 15_000, 5_000],
            20,
        ),
        # Shipping may be paid with points, though it earns none.
        ([("shipping", 10_000), ("grocery", 30_000)], 20_000, [5_000, 15_000], 15),
        # More than everything that points may pay for, by a bonus balance: only the rest is left.
        ([("gift_card", 10_000), ("grocery", 20_000)], 25_000, [5_000, 20_000], 0),
        ([("gift_card", 10_000)], 10_000, [10_000], 0),
        ([("grocery", 0), ("grocery", 20_000)], 20_000, [0, 20_000], 0),
    ],
)
def test_points_pay_the_lines_that_they_may_pay_for(
    till: Till, lines: list[tuple[str, int]], paid: int, shares: list[int], earns: int
) -> None:
    """Rule 11: laid on those first, each line's share is kept, and the rest of it earns."""
    sold = till.buys("lee", "r1", *lines, paid_with_points_minor=paid)

    assert (_by_points(sold), sold["points"]) == (shares, earns)


@pytest.mark.parametrize("points", [0, 3_000])
def test_a_bonus_balance_is_not_paid_out_in_money(till: Till, points: int) -> None:
    """80 of 200 yuan were not money, whether points of ours paid none or most of them."""
    till.starts_with((5_000, None))
    if points:
        till.holds(points)
        till.confirms()
    lines = [("grocery", 14_000), ("fresh", 6_000)]
    till.buys("lee", "r1", *lines, paid_with_points_minor=8_000)

    backs = [till.returns("r1", {2: 1}), till.returns("r1")]

    assert [back["cash_minor"] for back in backs] == [3_600, 8_400]
    assert sum(back["points_returned"] for back in backs) == points
    till.proved()


def _by_points(sold: dict[str, Any]) -> list[int]:
    return [line.get("paid_with_points_minor", 0) for line in sold["breakdown"]["lines"]]


def test_what_came_back_by_hand_is_not_taken_off_again(till: Till) -> None:
    """Half by hand, then the rest recorded and refunded: both halves of the points and the cash."""
    till.starts_with((1_000, None))
    till.holds(1_000)
    till.confirms()
    by_hand = till.gives_back("b1", amount_minor=10_000)
    till.buys("lee", "r1", ("grocery", 10_000), paid_with_points_minor=500)

    back = till.returns("r1")

    assert (by_hand["cash_minor"], by_hand["points_returned"]) == (9_500, 500)
    assert (back["cash_minor"], back["points_returned"]) == (9_500, 500)
    assert till.balance("lee").available == 1_000


def test_a_refund_without_points_pays_all_in_cash(till: Till) -> None:
    """Nothing was paid with points, so nothing is left out."""
    till.buys("lee", "r1", ("grocery", 20_000))

    answer = till.returns("r1")

    assert (answer["cash_minor"], answer["points_returned"]) == (20_000, 0)


@pytest.mark.parametrize(
    ("fault", "left"), [("member", []), ("merchant", [(NOON + 33 * DAY, 1_000)])]
)
def test_what_lapsed_meanwhile_comes_back_only_through_the_shops_fault(
    till: Till, fault: str, left: list[tuple[datetime, int]]
) -> None:
    """Rule 7: cancelling must not be a way to a longer life; a lost parcel must not cost points."""
    till.starts_with((1_000, NOON + 2 * DAY))
    till.pays_with(1_000, ("grocery", 20_000))
    till.clock.instant = NOON + 3 * DAY

    answer = till.returns("r1", fault=fault)

    assert (answer["cash_minor"], answer["points_returned"]) == (19_000, 1_000)
    assert till.lots() == left
    till.proved()


@pytest.mark.parametrize(("fault", "left"), [("member", 0), ("merchant", 1_000)])
def test_a_hold_released_after_its_lots_lapsed(till: Till, fault: str, left: int) -> None:
    """Rule 7 for a sale that never was: the till broke down over midnight."""
    till.starts_with((1_000, NOON + MINUTE))
    till.holds(1_000)
    till.clock.instant = NOON + 2 * MINUTE

    assert till.releases(fault=fault)["status"] == "released"

    assert till.balance("lee").available == left
    till.proved()


def test_a_refund_after_a_merger_reaches_who_lives_on(till: Till) -> None:
    """Rule 18: the order was paid by a member who is now another's; points follow the person."""
    till.starts_with((1_000, None))
    till.pays_with(1_000, ("grocery", 20_000))
    till.joins("lin")
    merger = Merger(id="m1", reason="The same person registered twice")
    till.store.run(lambda tx: merge(tx, "lee", "lin", merger, "ola"))

    answer = till.returns("r1")

    assert (answer["cash_minor"], answer["points_returned"]) == (19_000, 1_000)
    assert till.balance("lin").available == 1_000
    assert (till.balance("lee").posted, till.balance("lee").debt) == (0, 0)
    till.proved()


@pytest.mark.parametrize(("recorded", "earned"), [(True, 19), (False, 0)])
def test_what_comes_back_for_who_was_erased_is_given_up(
    till: Till, recorded: bool, earned: int
) -> None:
    """Rules 3 and 19: no point stays on a book that nobody can spend from, and none becomes money.

    Also where the order was paid on a card that was merged since.
    """
    till.starts_with((5_000, None))
    if recorded:
        till.pays_with(1_000, ("grocery", 20_000))
    else:
        till.holds(1_000, net=20_000)
        till.confirms()
    till.joins("lin")
    merger = Merger(id="m1", reason="The same person registered twice")
    till.store.run(lambda tx: merge(tx, "lee", "lin", merger, "ola"))
    erasure = Erasure(id="e1", reason="asked by the member")
    till.store.run(lambda tx: erase(tx, "lin", erasure, "ola"))

    back = till.returns("r1", id="b1") if recorded else till.gives_back("b1")

    assert (back["cash_minor"], back["points_returned"]) == (19_000, 1_000)
    assert recorded or back["points_lapsed"] == 1_000
    for member in ("lee", "lin"):
        assert (till.balance(member).posted, till.balance(member).debt) == (0, 0)
    key = f"erased:{'refund' if recorded else 'till-return'}:till:b1"
    given_up = till.store.read(lambda tx: tx.ledger.transaction(key))
    assert (given_up.kind, given_up.points) == ("forfeit", 1_000 - earned)
    till.proved()


def test_goods_of_who_was_erased_leave_no_debt_behind(till: Till) -> None:
    """What the goods had earned was spent, and nobody is left who could owe it."""
    till.buys("lee", "r1", ("grocery", 100_000))
    till.store.run(lambda tx: tx.ledger.burn("spent", "lee", 100))
    till.store.run(lambda tx: erase(tx, "lee", Erasure(id="e1", reason="asked"), "ola"))

    till.returns("r1")

    assert (till.balance("lee").posted, till.balance("lee").debt) == (0, 0)
    till.proved()


def test_points_of_an_order_kept_elsewhere_are_returned_by_hold(till: Till) -> None:
    """The purchase is not recorded here: the shop says what came back of the bill, in parts."""
    till.starts_with((5_000, None))
    till.holds(1_000, net=30_000)
    till.confirms()

    first = till.gives_back("b1", amount_minor=10_001)
    assert (first["points_returned"], first["cash_minor"]) == (333, 10_001 - 333)
    assert till.gives_back("b1", amount_minor=10_001) == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        till.gives_back("b1", amount_minor=10_002)
    with pytest.raises(Invalid, match="only 19999 are left"):
        till.gives_back("b2", amount_minor=20_000)
    rest = till.gives_back("b2")

    assert (rest["points_returned"], rest["cash_minor"]) == (667, 19_999 - 667)
    assert till.balance("lee").available == 5_000
    with pytest.raises(WrongState, match="came back already"):
        till.gives_back("b3")


def test_points_come_back_one_way_only(till: Till) -> None:
    """A recorded purchase returns its points with its refund; by hand would be twice."""
    till.starts_with((1_000, None))
    till.pays_with(1_000, ("grocery", 20_000))

    with pytest.raises(WrongState, match="record its refund"):
        till.gives_back("b1", hold="h-r1")
    till.starts_with((1_000, None))
    till.holds(1_000, id="h2")
    with pytest.raises(WrongState, match="none of its points were spent"):
        till.gives_back("b1", hold="h2")


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    bought=st.lists(
        st.tuples(
            st.sampled_from(["grocery", "fresh", "gift_card"]),
            st.integers(1, 30_000),
            st.integers(1, 5),
        ),
        min_size=1,
        max_size=5,
    ),
    steps=st.integers(1, 150),
    pick=st.randoms(use_true_random=False),
)
def test_any_sequence_of_returns_sums_to_the_whole(
    one_till: Till, bought: list[tuple[str, int, int]], steps: int, pick: Random
) -> None:
    """Piece by piece in any order: every point and every cent comes back once, and none too much.

    What is paid in money alone brings no points, whatever lies beside it.
    """
    name = f"m{next(one_till.numbers)}"
    one_till.joins(name)
    one_till.starts_with((steps * 100, None), member=name)
    lines = [("grocery", 20_000, 1), *bought]
    cart = tuple(Line(sku="s", category=c, net_minor=net) for c, net, _ in lines)
    held = one_till.holds(steps * 100, id=name, member_id=name, lines=cart)
    one_till.confirms(name, name)
    one_till.buys(name, name, *lines, paid_with_points_minor=held["worth_minor"])
    pieces = [n for n, (_, _, quantity) in enumerate(lines, 1) for _ in range(quantity)]
    pick.shuffle(pieces)

    answers = [one_till.returns(name, {line: 1}) for line in pieces]

    assert sum(each["points_returned"] for each in answers) == steps * 100
    total = sum(net for _, net, _ in lines)
    assert sum(each["cash_minor"] for each in answers) == total - held["worth_minor"]
    assert one_till.balance(name).available == steps * 100
    for line, each in zip(pieces, answers, strict=True):
        assert 0 <= each["cash_minor"] <= each["amount_minor"]
        if lines[line - 1][0] == "gift_card":
            assert (each["cash_minor"], each["points_returned"]) == (each["amount_minor"], 0)
