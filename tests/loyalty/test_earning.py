"""What purchases earn: the example figures, the edges of time, and parts that sum to the whole."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.earning.breakdown import Breakdown
from loyalty.earning.earn import earn
from loyalty.earning.facts import Card, Facts
from loyalty.earning.give_back import kept_after, refund
from loyalty.errors import Invalid
from loyalty.events import Line, Purchase, RefundLine
from loyalty.programme import Earning

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEDNESDAY = datetime(2026, 10, 7, 12, tzinfo=SHANGHAI)
SATURDAY = datetime(2026, 10, 10, 12, tzinfo=SHANGHAI)


@dataclass(frozen=True)
class DoubleCard:
    """The seven-day card of a new member."""

    key: str = "card-1"
    multiplier_bp: int = 20_000
    starts_at: datetime = WEDNESDAY - timedelta(days=1)
    ends_at: datetime = WEDNESDAY + timedelta(days=6)


def bought(*lines: tuple[str, int], at: datetime = WEDNESDAY, quantity: int = 1) -> Purchase:
    return Purchase(
        source="till",
        id="r-1",
        member_id="m-1",
        occurred_at=at,
        currency="CNY",
        lines=tuple(
            Line(sku=f"sku-{n}", category=category, quantity=quantity, net_minor=net)
            for n, (category, net) in enumerate(lines)
        ),
    )


def earned(purchase: Purchase, *cards: Card, earning: Earning | None = None) -> Breakdown:
    rules = (earning or Earning()).rule_set
    return earn(purchase, rules, Facts(cards=cards), SHANGHAI)


@pytest.mark.parametrize(
    ("category", "net_minor", "at", "card", "points"),
    [
        ("grocery", 10_000, WEDNESDAY, False, 10),  # 100 yuan = 10 points
        ("grocery", 999, WEDNESDAY, False, 0),
        ("grocery", 1_000, WEDNESDAY, False, 1),
        ("grocery", 1_999, WEDNESDAY, False, 1),
        ("fresh", 10_000, WEDNESDAY, False, 20),
        ("grocery", 10_000, SATURDAY, False, 15),
        ("fresh", 10_000, SATURDAY, False, 30),
        ("fresh", 10_000, WEDNESDAY, True, 40),
        ("fresh", 10_000, SATURDAY, True, 50),  # added, not multiplied: 20 x (1 + 0.5 + 1)
        ("gift_card", 10_000, SATURDAY, True, 0),
    ],
)
def test_the_programmes_figures(
    category: str, net_minor: int, at: datetime, card: bool, points: int
) -> None:
    """10 yuan is a point, fresh food twice, weekends half more, a double card once more."""
    assert earned(bought((category, net_minor), at=at), *[DoubleCard()] * card).points == points


def test_stacked_rates_are_added() -> None:
    """200 points of fresh food on a weekend with a double card and 20% more: 540, not 720."""
    rules = Earning(base_minor=100, weekend_bonus_bp=7_000)

    assert earned(bought(("fresh", 10_000), at=SATURDAY), DoubleCard(), earning=rules).points == 540


@pytest.mark.parametrize(
    ("wall", "weekend"),
    [
        (datetime(2026, 10, 9, 23, 59, 59, 999_999), False),
        (datetime(2026, 10, 10, 0, 0), True),
        (datetime(2026, 10, 11, 23, 59, 59, 999_999), True),
        (datetime(2026, 10, 12, 0, 0), False),
    ],
)
def test_the_weekend_is_the_programmes_own(wall: datetime, weekend: bool) -> None:
    """Saturday begins at midnight in the programme's zone, wherever the till's clock is."""
    as_utc = wall.replace(tzinfo=SHANGHAI).astimezone(UTC)

    assert earned(bought(("grocery", 10_000), at=as_utc)).points == (15 if weekend else 10)


@pytest.mark.parametrize(
    ("at", "points", "reason"),
    [
        (DoubleCard().starts_at - timedelta(microseconds=1), 10, "card_not_started"),
        (DoubleCard().starts_at, 20, "card_valid"),
        (DoubleCard().ends_at - timedelta(microseconds=1), 20, "card_valid"),
        (DoubleCard().ends_at, 10, "card_ended"),
    ],
)
def test_a_card_counts_from_its_start_up_to_its_end(at: datetime, points: int, reason: str) -> None:
    """What counts is when the purchase happened, not when it was uploaded."""
    breakdown = earned(
        bought(("grocery", 10_000), at=at), DoubleCard(), earning=Earning(weekend_bonus_bp=0)
    )

    assert breakdown.points == points
    assert [r.reason for r in breakdown.reasons if r.rule == "card"] == [reason]


def test_of_two_cards_the_better_one_counts() -> None:
    """Two cards are not a triple: the better applies and the other says so."""
    triple = DoubleCard("card-2", 30_000)
    breakdown = earned(bought(("grocery", 10_000)), DoubleCard(), triple)

    assert breakdown.points == 30
    assert [(r.ref, r.applied, r.reason) for r in breakdown.reasons if r.rule == "card"] == [
        ("card-2", True, "card_valid"),
        ("card-1", False, "better_card_applies"),
    ]


def test_bonuses_stop_at_the_maximum() -> None:
    """A stack never lifts a receipt above the programme's limit, and the answer says so."""
    breakdown = earned(bought(("grocery", 10_000)), DoubleCard(multiplier_bp=90_000))

    assert breakdown.points == 50
    assert breakdown.reasons[-1].kind == "cap"


def test_every_line_says_what_applied_and_what_did_not() -> None:
    """A cashier can read why the salad earned twice and the gift card nothing."""
    breakdown = earned(bought(("fresh", 1_000), ("grocery", 1_000), ("gift_card", 1_000)))

    assert [(line.points, line.reasons[0].reason) for line in breakdown.lines] == [
        (2, "category_rate"),
        (1, "no_rate_for_category"),
        (0, "excluded_category"),
    ]
    assert [(r.rule, r.applied, r.reason) for r in breakdown.reasons] == [
        ("weekend", False, "other_weekday")
    ]


def test_a_receipt_is_rounded_once() -> None:
    """Three lines of 5.90 yuan make one point, not none; it goes to the line that lacks most."""
    breakdown = earned(bought(("grocery", 580), ("grocery", 590), ("grocery", 590)))

    assert breakdown.points == 1
    assert [line.points for line in breakdown.lines] == [0, 1, 0]


def test_a_breakdown_survives_being_stored() -> None:
    """What was frozen with the purchase reads back the same."""
    breakdown = earned(bought(("fresh", 1_234), at=SATURDAY), DoubleCard())

    assert Breakdown.from_json(json.loads(json.dumps(breakdown.to_json()))) == breakdown


lines = st.lists(
    st.tuples(st.sampled_from(["fresh", "grocery", "gift_card"]), st.integers(0, 100_000)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(lines=lines, weekend=st.booleans(), card=st.booleans())
def test_lines_sum_to_the_receipt_and_stay_near_their_own_figure(
    lines: list[tuple[str, int]], weekend: bool, card: bool
) -> None:
    """Whatever is bought, the parts are the whole and no line is a point off."""
    breakdown = earned(
        bought(*lines, at=SATURDAY if weekend else WEDNESDAY), *[DoubleCard()] * card
    )

    assert sum(line.points for line in breakdown.lines) == breakdown.points
    for line in breakdown.lines:
        exact = line.net_minor * line.rate_bp * breakdown.multiplier_bp
        assert abs(line.points * 1_000 * 10**8 - exact) < 1_000 * 10**8


def _points_back(breakdown: Breakdown, returns: Sequence[Sequence[int]]) -> list[int]:
    kept = [line.quantity for line in breakdown.lines]
    back: list[int] = []
    for quantities in returns:
        parts = [
            RefundLine(line=n, quantity=min(q, there))
            for n, (q, there) in enumerate(zip(quantities, kept, strict=False), start=1)
            if min(q, there)
        ]
        kept = kept_after(kept, parts)
        back.append(refund(breakdown, kept, sum(back)))
    return [*back, refund(breakdown, kept_after(kept, None), sum(back))]


@settings(max_examples=200, deadline=None)
@given(
    lines=lines,
    quantity=st.integers(1, 7),
    card=st.booleans(),
    returns=st.lists(st.lists(st.integers(0, 3), min_size=8, max_size=8), max_size=5),
)
def test_partial_refunds_sum_to_the_whole(
    lines: list[tuple[str, int]], quantity: int, card: bool, returns: list[list[int]]
) -> None:
    """However the goods come back, exactly the points earned are taken, never a negative part."""
    breakdown = earned(bought(*lines, quantity=quantity), *[DoubleCard()] * card)
    back = _points_back(breakdown, returns)

    assert sum(back) == breakdown.points
    assert min(back) >= 0


def test_a_refund_follows_the_rules_of_the_day_of_purchase() -> None:
    """119 points earned on a weekend are not taken back at a weekday's rate."""
    breakdown = earned(bought(("fresh", 20_000), ("fresh", 20_000), at=SATURDAY))

    assert breakdown.points == 120
    assert refund(breakdown, kept_after([1, 1], [RefundLine(line=2, quantity=1)]), 0) == 60


def test_more_than_was_bought_cannot_come_back() -> None:
    """The answer names each line and how many are left."""
    with pytest.raises(Invalid) as refusal:
        kept_after([2, 1], [RefundLine(line=1, quantity=3), RefundLine(line=9, quantity=1)])

    assert refusal.value.problems == [
        {"field": "lines.0", "code": "too_many", "message": "only 2 left to return"},
        {"field": "lines.1", "code": "too_many", "message": "the receipt has 2 lines"},
    ]
