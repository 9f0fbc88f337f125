"""Whatever the rules and the receipt: lines sum, none is a point off, returns sum to the whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.earning.breakdown import Breakdown
from loyalty.earning.earn import earn
from loyalty.earning.facts import Facts
from loyalty.earning.give_back import (
    Kept,
    keep,
    kept_after,
    kept_minor,
    kept_working,
    refund,
    room_back,
)
from loyalty.earning.paid import paid_back
from loyalty.earning.rule_set import RuleSet
from loyalty.earning.stack import highest_stack
from loyalty.events import Line, Purchase, RefundLine
from loyalty.tiers.settings import Tiers

SHANGHAI = ZoneInfo("Asia/Shanghai")
PERIODS = ["day", "week", "month", "ever"]

caps = st.lists(
    st.fixed_dictionaries({"points": st.integers(1, 400), "per": st.sampled_from(PERIODS)}),
    max_size=2,
    unique_by=lambda cap: cap["per"],
)
matches = st.fixed_dictionaries(
    {},
    optional={
        "categories": st.sampled_from([["fresh"], ["grocery"], ["fresh", "drinks"]]),
        "brands": st.just(["own"]),
        "from_minor": st.integers(1, 60_000),
        "tiers": st.just(["gold"]),
    },
)
effects = st.one_of(
    st.fixed_dictionaries({"bonus_bp": st.integers(1, 30_000)}),
    st.fixed_dictionaries({"points": st.integers(1, 300)}),
)
written = st.builds(
    lambda when, effect, more: {"when": when, **effect, **more},
    matches,
    effects,
    st.fixed_dictionaries(
        {"caps": caps, "priority": st.integers(0, 3)},
        optional={"group": st.sampled_from(["g", "h"]), "campaign": st.just("spring")},
    ),
)
bases = st.one_of(
    st.fixed_dictionaries({"minor": st.integers(1, 5_000), "points": st.integers(0, 20)}),
    st.fixed_dictionaries(
        {
            "steps": st.lists(
                st.tuples(st.integers(1, 40_000), st.integers(1, 90)), min_size=1, max_size=4
            ).map(
                lambda steps: [
                    {"minor": minor, "points": points}
                    for minor, points in zip(
                        sorted({minor for minor, _ in steps}),
                        sorted(points for _, points in steps),
                        strict=False,
                    )
                ]
            ),
            "beyond": st.sampled_from(["flat", "greedy"]),
        }
    ),
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    rules = draw(st.lists(written, max_size=5))
    return RuleSet.model_validate(
        {
            "base": draw(bases),
            "stacking": draw(st.sampled_from(["additive", "multiplicative", "best_only"])),
            "tax": draw(st.sampled_from(["included", "excluded"])),
            "maximum_multiplier_bp": draw(st.integers(10_000, 80_000)),
            "category_rates_bp": {"fresh": draw(st.integers(0, 40_000))},
            "caps": draw(caps),
            "campaign_caps": {"spring": draw(caps)},
            "rules": [{"id": f"r{n}", **rule} for n, rule in enumerate(rules)],
        }
    )


@st.composite
def purchases(draw: st.DrawFn) -> Purchase:
    lines = []
    for n in range(draw(st.integers(1, 6))):
        net = draw(st.integers(0, 60_000))
        lines.append(
            Line(
                sku=f"s{n}",
                category=draw(st.sampled_from(["fresh", "grocery", "drinks", "gift_card"])),
                brand=draw(st.sampled_from([None, "own"])),
                quantity=draw(st.integers(1, 7)),
                net_minor=net,
                tax_minor=draw(st.integers(0, net)),
            )
        )
    return Purchase(
        source="till",
        id="r",
        member_id="m",
        occurred_at=datetime(2026, 10, 14, 12, tzinfo=SHANGHAI),
        currency="CNY",
        lines=tuple(lines),
        paid_with_points_minor=draw(st.integers(0, sum(line.net_minor for line in lines))),
    )


def earned(purchase: Purchase, rule_set: RuleSet) -> Breakdown:
    return earn(purchase, rule_set, Facts(tiers=frozenset({"gold"})), SHANGHAI)


@settings(max_examples=150, deadline=None)
@given(purchase=purchases(), rule_set=rule_sets())
def test_the_working_adds_up_to_the_points(purchase: Purchase, rule_set: RuleSet) -> None:
    """Lines and flat points are the whole; caps are never passed; what is stored reads back."""
    breakdown = earned(purchase, rule_set)

    flat = sum(
        (r.points if r.granted is None else r.granted)
        for r in breakdown.reasons
        if r.kind == "points" and r.applied
    )
    assert breakdown.points == sum(line.points for line in breakdown.lines) + flat
    for cap in rule_set.caps:
        assert breakdown.points <= cap.points
    assert all(count.granted <= count.wished for count in breakdown.counted)
    assert Breakdown.from_json(breakdown.to_json()) == breakdown
    # Keeping everything is what was earned: preview, posting and return are one arithmetic.
    whole = keep(breakdown, [line.quantity for line in breakdown.lines])
    assert (whole.points, whole.shares) == (
        breakdown.points,
        [line.points for line in breakdown.lines],
    )
    assert kept_working(breakdown, [line.quantity for line in breakdown.lines]) == breakdown
    assert int(Decimal(breakdown.exact)) == breakdown.spend_points


@settings(max_examples=150, deadline=None)
@given(purchase=purchases(), rule_set=rule_sets())
def test_no_line_is_a_point_from_its_own_figure(purchase: Purchase, rule_set: RuleSet) -> None:
    """Each line alone, at the receipt's base, rounds to what it was given or one less."""
    plain = rule_set.model_copy(update={"rules": (), "caps": ()})
    breakdown = earned(purchase, plain)

    for line in breakdown.lines:
        exact = line.earning_minor * breakdown.base_points * line.rate_bp
        assert abs(line.points * breakdown.base_minor * 10_000 - exact) < (
            breakdown.base_minor * 10_000
        )


@settings(max_examples=150, deadline=None)
@given(
    purchase=purchases(),
    rule_set=rule_sets(),
    returns=st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), max_size=5),
)
def test_what_points_paid_of_each_line_comes_back_with_it(
    purchase: Purchase, rule_set: RuleSet, returns: list[list[int]]
) -> None:
    """Every share is kept with its line, earns nothing there, and returns once, in any parts."""
    facts = Facts(tiers=frozenset({"gold"}), unpayable=("gift_card", "drinks"))
    breakdown = earn(purchase, rule_set, facts, SHANGHAI)
    shares = [line.paid_with_points_minor for line in breakdown.lines]

    assert sum(shares) == purchase.paid_with_points_minor
    for line in breakdown.lines:
        assert 0 <= line.paid_with_points_minor <= line.net_minor - line.earning_minor
    on_others = sum(
        line.paid_with_points_minor for line in breakdown.lines if line.category in facts.unpayable
    )
    if on_others:
        assert all(
            line.paid_with_points_minor == line.net_minor
            for line in breakdown.lines
            if line.category not in facts.unpayable
        )

    kept = [line.quantity for line in breakdown.lines]
    assert paid_back(breakdown, kept) == 0
    for quantities in [*returns, kept]:
        after = [max(0, there - some) for there, some in zip(kept, quantities, strict=False)]
        money = sum(kept_minor(breakdown, kept)) - sum(kept_minor(breakdown, after))
        points = paid_back(breakdown, after) - paid_back(breakdown, kept)
        assert 0 <= points <= money
        kept = after
    assert paid_back(breakdown, kept) == purchase.paid_with_points_minor


def points_back(
    breakdown: Breakdown, returns: Sequence[Sequence[int]]
) -> tuple[list[int], Mapping[Any, int]]:
    """Points taken by each return and by a last one of all that is left; room given back."""
    kept = [line.quantity for line in breakdown.lines]
    back: list[int] = []
    room: dict[Any, int] = {}

    def give(after: list[int]) -> None:
        back.append(refund(breakdown, after, sum(back)))
        for counter, (_, granted) in room_back(Kept(breakdown, kept, after)).items():
            room[counter] = room.get(counter, 0) + granted

    for quantities in returns:
        parts = [
            RefundLine(line=n, quantity=min(q, there))
            for n, (q, there) in enumerate(zip(quantities, kept, strict=False), start=1)
            if min(q, there)
        ]
        after = kept_after(kept, parts)
        give(after)
        kept = after
    give([0] * len(kept))
    return back, {counter: points for counter, points in room.items() if points}


@settings(max_examples=250, deadline=None)
@given(
    purchase=purchases(),
    rule_set=rule_sets(),
    returns=st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), max_size=5),
)
def test_any_sequence_of_returns_sums_to_the_whole(
    purchase: Purchase, rule_set: RuleSet, returns: list[list[int]]
) -> None:
    """All effects, all policies: exactly the points earned are taken, and all room comes back."""
    breakdown = earned(purchase, rule_set)

    back, room = points_back(breakdown, returns)

    assert sum(back) == breakdown.points
    assert min(back) >= 0
    assert room == {(c.counter, c.period): c.granted for c in breakdown.counted if c.granted}


@settings(max_examples=150, deadline=None)
@given(purchase=purchases(), rule_set=rule_sets())
def test_no_receipt_earns_more_than_the_highest_stack(
    purchase: Purchase, rule_set: RuleSet
) -> None:
    """What was shown before activation is a bound that no till can pass."""
    rule_set = rule_set.model_copy(update={"card_maximum_bp": 10_000})
    stack = highest_stack(rule_set, SHANGHAI, Tiers(), 100, 100)

    bound = (stack.points_per_10000 + 1) * purchase.net_minor // 10_000 + stack.flat_points
    assert earned(purchase, rule_set).points <= bound
