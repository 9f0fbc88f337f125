"""How much rules could give at once, worked out before anybody shops by them."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty.earning.rule_set import RuleSet
from loyalty.earning.stack import HighestStack, highest_stack
from loyalty.tiers.settings import Tiers

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKEND = {"id": "weekend", "when": {"weekdays": ["sat", "sun"]}, "bonus_bp": 5_000}
NIGHT = {"since": "22:00", "until": "02:00"}
FRIDAY_NIGHT = {"id": "fri", "when": {"weekdays": ["fri"], "hours": NIGHT}, "bonus_bp": 5_000}
DIAMOND = {"id": "diamond", "when": {"tiers": ["diamond"]}, "bonus_bp": 5_000}
GOLD = {"id": "gold", "when": {"tiers": ["gold"]}, "bonus_bp": 2_000}


PAID = Tiers(paid_levels={"plus": "gold"})


def highest(*rules: Mapping[str, Any], tiers: Tiers = PAID, **more: Any) -> HighestStack:
    """1 yuan = 1 point, no card, at 100 points = 1 yuan."""
    plain = {"base": {"minor": 100}, "card_maximum_bp": 10_000, "rules": list(rules)}
    return highest_stack(RuleSet.model_validate(plain | more), SHANGHAI, tiers, 100, 100)


@pytest.mark.parametrize(
    ("stacking", "points", "percent"), [("additive", 1_500, 15), ("multiplicative", 2_250, 22.5)]
)
def test_the_worst_case_of_a_luxury_shop(stacking: str, points: int, percent: float) -> None:
    """5 points a yuan, diamond 1.5, weekend, double card: 15% added, 22.5% multiplied."""
    stack = highest(
        WEEKEND, DIAMOND, GOLD,
        category_rates_bp={"luxury": 50_000}, stacking=stacking, card_maximum_bp=20_000,
    )  # fmt: skip

    assert (stack.points_per_10000, stack.return_bp / 100) == (points, percent)
    assert set(stack.rules) == {"luxury", "weekend", "diamond", "card"}


@pytest.mark.parametrize(
    ("rules", "points"),
    [
        ([], 100),
        ([GOLD, DIAMOND], 150),  # nobody is both
        ([GOLD, {**DIAMOND, "id": "plus", "when": {"tiers": ["plus"]}}], 170),  # plus ranks as gold
        ([WEEKEND, {**WEEKEND, "id": "wed", "when": {"weekdays": ["wed"]}}], 150),
        ([FRIDAY_NIGHT, WEEKEND], 200),  # one o'clock on Saturday
        ([FRIDAY_NIGHT, {**WEEKEND, "when": {"weekdays": ["sun"]}}], 150),
        ([{**GOLD, "group": "g"}, {**WEEKEND, "group": "g"}], 150),
        # one ends on the day before the other begins
        ([{"id": "a", "bonus_bp": 3_000, "valid_until": "2026-10-07"},
          {"id": "b", "bonus_bp": 4_000, "valid_from": "2026-10-08"}], 140),
        ([{"id": "a", "bonus_bp": 3_000, "valid_until": "2026-10-08"},
          {"id": "b", "bonus_bp": 4_000, "valid_from": "2026-10-08"}], 170),
        # spend 50 yuan, get 100 points: dearest on a receipt of exactly 50
        ([{"id": "low", "when": {"from_minor": 5_000}, "points": 100}], 300),
        ([{"id": "big", "when": {"from_minor": 5_000}, "bonus_bp": 10_000}], 200),
    ],
)  # fmt: skip
def test_only_what_can_fall_together_is_added_up(
    rules: list[Mapping[str, Any]], points: int
) -> None:
    """Per 100 yuan."""
    assert highest(*rules).points_per_10000 == points


def test_an_open_card_is_as_good_as_the_maximum_lets_it() -> None:
    """Without a limit on cards, the limit on the stack is what could happen."""
    assert highest(card_maximum_bp=None, maximum_multiplier_bp=30_000).points_per_10000 == 300


def test_flat_points_without_a_sum_are_told_apart() -> None:
    """No percentage can hold what any small receipt gets."""
    stack = highest({"id": "visit", "points": 5}, {"id": "s", "when": {"event": "x"}, "points": 9})

    assert (stack.points_per_10000, stack.flat_points) == (100, 5)


def test_a_table_of_steps_is_measured_by_its_best_step() -> None:
    """100 = 10, 200 = 25: 12.5 per 100."""
    steps = [{"minor": 10_000, "points": 10}, {"minor": 20_000, "points": 25}]

    assert highest(base={"steps": steps, "beyond": "flat"}).points_per_10000 == 12
