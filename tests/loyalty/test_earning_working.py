"""The working behind a receipt's points, and what a return takes back by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from loyalty.earning.breakdown import Breakdown
from loyalty.earning.give_back import kept_after, kept_working, refund
from loyalty.earning.rule_set import RuleSet
from loyalty.events import Line, RefundLine
from tests.loyalty.short_receipts import (
    GOLD,
    SATURDAY,
    WEEKEND,
    YUAN,
    Double,
    bought,
    earned,
    on,
    rules,
    why,
)

# --- the working (rules 2 and 22, feature 27) -------------------------------------------------


@pytest.mark.parametrize(("fen", "exact", "points"), [(9_996, "99.96", 99), (3, "0.03", 0)])
def test_what_is_rounded_down_is_never_shown_rounded_up(fen: int, exact: str, points: int) -> None:
    """99.96 are 99 points; with a base of 10 yuan 9.99 are 9, and not 10.00."""
    line = Line(sku="s", category="a", net_minor=fen)

    breakdown = earned(bought(line), rules())
    tenth = earned(bought(line), rules(base={"minor": 10 * YUAN}))

    assert (breakdown.exact, breakdown.points) == (exact, points)
    assert (tenth.exact, tenth.lines[0].base) == (f"{fen // 1_000}.{fen // 10 % 100:02d}",) * 2


def test_a_rules_own_cap_is_not_blamed_on_the_one_on_everything() -> None:
    """100 of 400 wished are granted by the rule's cap; 1,000 a day are far away."""
    own = {"id": "b", "bonus_bp": 40_000, "caps": [{"points": 100, "per": "day"}]}

    breakdown = earned(bought(("a", 100)), rules(own, caps=[{"points": 1_000, "per": "day"}]))

    assert breakdown.points == 200
    assert [(reason.rule, reason.granted) for reason in breakdown.reasons] == [("b", 100)]
    assert {c.counter: (c.wished, c.granted) for c in breakdown.counted} == {
        "*": (200, 200),
        "b": (400, 100),
    }


@pytest.mark.parametrize(
    ("written", "lost"),
    [
        ([WEEKEND, GOLD], {"gold"}),
        ([GOLD, GOLD | {"id": "same"}], {"same"}),  # the first of two alike counts
        ([GOLD, on("fresh", 50)], set()),  # gold on the other line
        ([GOLD, on("fresh", 50), on("drinks", 30)], {"gold"}),
        ([WEEKEND, on("fresh", 20), on("drinks", 60)], {"fresh"}),
        # With a cap of its own it adds what it is above the others, as far as there is room.
        ([GOLD, WEEKEND | {"caps": [{"points": 5, "per": "day"}]}], set()),
        ([WEEKEND, GOLD | {"caps": [{"points": 5, "per": "day"}]}], {"gold"}),
    ],
)
def test_where_only_the_best_counts_the_others_say_so(
    written: Sequence[Mapping[str, Any]], lost: set[str]
) -> None:
    """None of them stands under what applied, and without them the receipt earns the same."""
    purchase = bought(("fresh", 100), ("drinks", 50), at=SATURDAY)

    breakdown = earned(purchase, rules(*written, stacking="best_only"), tiers={"gold"})

    why_not = {r.rule: r.reason for r in breakdown.reasons if not r.applied}
    assert why_not == dict.fromkeys(lost, "better_bonus_applies")
    winners = [rule for rule in written if rule["id"] not in lost]
    without = earned(purchase, rules(*winners, stacking="best_only"), tiers={"gold"})
    assert breakdown.points == without.points


def test_the_second_best_counts_once_the_best_has_gone_back() -> None:
    """+50% on fruit alone beats gold's +20% on it; what is kept without fruit is gold's."""
    fruit = on("fruit", 50)
    breakdown = earned(
        bought(("fruit", 100)), rules(GOLD, fruit, stacking="best_only"), tiers={"gold"}
    )

    assert why(breakdown, "gold") == (False, "better_bonus_applies")
    line = Line(sku="s", category="a", quantity=2, net_minor=100 * YUAN)
    breakdown = earned(
        bought(("fruit", 100), line), rules(GOLD, fruit, stacking="best_only"), tiers={"gold"}
    )
    assert refund(breakdown, [0, 2], 0) == 150
    assert kept_working(breakdown, [0, 1]).points == 60


def rated(id: str, percent: int, **when: Any) -> dict[str, Any]:
    return {"id": id, "when": when, "rate_bp": percent * 100}


@pytest.mark.parametrize(
    ("when", "more", "told"),
    [
        ({"categories": ["wine"], "tiers": ["gold"]}, {}, "other_tier"),
        ({"weekdays": ["sat"]}, {}, "other_weekday"),
        ({"stores": ["airport"]}, {"store": "riverside"}, "other_store"),
        ({"categories": ["wine"]}, {}, "another_rate_applies"),
        ({"skus": ["s1"]}, {}, "another_rate_applies"),
        ({"categories": ["beer"]}, {}, None),  # chooses nothing on this receipt
        ({"categories": ["gift_card"]}, {}, None),  # nor does one for what earns nothing
        ({"skus": ["s2"]}, {}, None),  # it is the rate of line 2, and stands there
    ],
)
def test_a_rate_that_chose_a_line_and_is_not_its_rate_says_why(
    when: Mapping[str, Any], more: Mapping[str, Any], told: str | None
) -> None:
    """Once for the receipt, however many lines it chose."""
    first = rated("first", 300, categories=["wine"]) | {"priority": 1}
    purchase = bought(("wine", 10), ("grocery", 10), ("wine", 10), ("gift_card", 10), **more)
    second = Line(sku="s2", category="grocery", net_minor=1_000)
    lines = (purchase.lines[0].model_copy(update={"sku": "s1"}), second, *purchase.lines[2:])

    breakdown = earned(
        purchase.model_copy(update={"lines": lines}), rules(first, rated("other", 200, **when))
    )

    said = [(r.rule, r.kind, r.applied, r.reason) for r in breakdown.reasons]
    assert said == ([("other", "rate", False, told)] if told else [])
    assert [line.rate_bp for line in breakdown.lines if line.category == "wine"] == [30_000] * 2


@pytest.mark.parametrize(
    ("maximum", "reason", "points"),
    [(20_000, (True, "card_maximum"), 200), (30_000, (True, "card_valid"), 300),
     (10_000, (False, "card_maximum"), 100)],
)  # fmt: skip
def test_a_card_that_is_cut_says_so(maximum: int, reason: tuple[bool, str], points: int) -> None:
    """A triple card, where no card counts for more than double."""
    triple = Double(multiplier_bp=30_000)

    breakdown = earned(bought(("a", 100)), rules(card_maximum_bp=maximum), cards=[triple])

    assert (breakdown.points, why(breakdown, "card")) == (points, reason)


def test_what_is_kept_has_a_working_of_its_own() -> None:
    """Below 200 yuan the threshold is no longer met, and the cap has room again."""
    rule_set = rules(
        {"id": "big", "when": {"from_minor": 200 * YUAN}, "bonus_bp": 10_000},
        {"id": "own", "bonus_bp": 5_000, "caps": [{"points": 90, "per": "day"}]},
        maximum_multiplier_bp=24_000,
    )
    half = Line(sku="s", category="a", quantity=2, net_minor=200 * YUAN)
    breakdown = earned(bought(half, ("a", 20), paid_with_points_minor=20 * YUAN), rule_set)

    kept = kept_working(Breakdown.from_json(breakdown.to_json()), [1, 0])

    assert breakdown.points - kept.points == refund(breakdown, [1, 0], 0)
    assert why(kept, "big") == (False, "below_threshold")
    assert why(kept, "own") == (True, "applies")
    assert [reason.rule for reason in kept.reasons] == ["big", "own"]
    [line] = kept.lines
    assert (line.line, line.quantity, line.net_minor) == (1, 1, 100 * YUAN)
    assert line.net_minor - line.paid_with_points_minor == line.earning_minor
    assert line.points == kept.points == line.earning_minor * 3 // 200


# --- giving back (rule 2) ---------------------------------------------------------------------


@dataclass
class Returning:
    """A receipt of four bags of rice for 200 yuan, coming back piece by piece."""

    rule_set: RuleSet
    back: list[int] = field(default_factory=list)

    def all_by_ones(self) -> list[int]:
        line = Line(sku="rice", category="a", quantity=4, net_minor=200 * YUAN)
        breakdown = earned(bought(line), self.rule_set)
        kept = [4]
        for _ in range(4):
            kept = kept_after(kept, [RefundLine(line=1, quantity=1)])
            self.back.append(refund(breakdown, kept, sum(self.back)))
        return self.back


@pytest.mark.parametrize(
    ("rule_set", "back"),
    [
        (rules(), [50, 50, 50, 50]),
        # double from 200 on: the first bag to come back takes the whole bonus with it
        (
            rules({"id": "big", "when": {"from_minor": 20_000}, "bonus_bp": 10_000}),
            [250, 50, 50, 50],
        ),
        (
            rules({"id": "gift", "when": {"from_minor": 15_000}, "points": 30}),
            [50, 80, 50, 50],
        ),
        # 25 at 200 yuan, 10 at 150 and 100, nothing at 50
        (
            rules(
                base={
                    "steps": [{"minor": 10_000, "points": 10}, {"minor": 20_000, "points": 25}],
                    "beyond": "flat",
                }
            ),
            [15, 0, 10, 0],
        ),
        # flat points for the product stay until the last of it is gone
        (rules({"id": "new", "when": {"skus": ["rice"]}, "points": 7}), [50, 50, 50, 57]),
    ],
)
def test_thresholds_and_steps_are_tested_again_on_what_is_kept(
    rule_set: RuleSet, back: list[int]
) -> None:
    """And the parts are the whole."""
    assert Returning(rule_set).all_by_ones() == back


def test_a_return_asks_the_frozen_working_and_no_rules_of_today() -> None:
    """50 earned are 50 taken, from the stored working alone, whatever became of the rules."""
    line = Line(sku="s", category="a", quantity=2, net_minor=50 * YUAN)
    rule_set = rules({"id": "b", "bonus_bp": 10_000, "group": "g"}, GOLD)
    frozen = Breakdown.from_json(earned(bought(line), rule_set, tiers={"gold"}).to_json())

    assert frozen.points == 110
    assert [refund(frozen, [1], 0), refund(frozen, [0], 55)] == [55, 55]
