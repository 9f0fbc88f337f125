"""Earning rules as data: the features' own figures, and the rules that people get wrong."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from loyalty.earning.breakdown import Breakdown, Reason
from loyalty.earning.earn import earn_act
from loyalty.earning.facts import Facts
from loyalty.earning.give_back import Kept, refund, room_back
from loyalty.events import Line, MemberEvent
from tests.loyalty.short_receipts import (
    FRESH,
    GOLD,
    SATURDAY,
    SHANGHAI,
    WEDNESDAY,
    WEEKEND,
    YUAN,
    Double,
    bought,
    earned,
    on,
    rules,
    why,
)

# --- stacking (rule 10) -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stacking", "points"), [("additive", 540), ("multiplicative", 720), ("best_only", 400)]
)
def test_the_stacking_policy_is_a_setting_and_never_an_accident(stacking: str, points: int) -> None:
    """100 yuan of fresh food, gold, weekend, double card: 540 added, 720 multiplied."""
    rule_set = rules(WEEKEND, GOLD, stacking=stacking, maximum_multiplier_bp=100_000, **FRESH)
    purchase = bought(("fresh", 100), at=SATURDAY)

    assert earned(purchase, rule_set, tiers={"gold"}, cards=[Double()]).points == points


def test_multiplied_bonuses_are_not_rounded_on_the_way() -> None:
    """1.15 x 1.15 x 1.15 of a million is 1,520,875: no basis point is lost in between."""
    each = [{"id": f"b{n}", "bonus_bp": 1_500} for n in range(3)]

    breakdown = earned(bought(("a", 1_000_000)), rules(*each, stacking="multiplicative"))

    assert breakdown.points == 1_520_875


def test_of_an_exclusive_group_the_first_that_holds_counts_by_priority_then_id() -> None:
    """Neither the newest nor the one that stands first in the file: the order is fixed."""
    group = [
        {"id": "a-newest", "bonus_bp": 9_000, "group": "g"},
        {"id": "z-first", "bonus_bp": 1_000, "group": "g", "priority": 1},
        {"id": "b-free", "bonus_bp": 500},
    ]

    for order in (group, group[::-1]):
        breakdown = earned(bought(("a", 100)), rules(*order))
        assert breakdown.points == 115
        assert why(breakdown, "a-newest") == (False, "exclusive_group")


def test_a_rule_below_its_threshold_leaves_its_group_to_the_next() -> None:
    """Only a rule that holds can keep another out."""
    rule_set = rules(
        {"id": "big", "when": {"from_minor": 200 * YUAN}, "bonus_bp": 10_000, "group": "g"},
        {"id": "small", "bonus_bp": 1_000, "group": "g"},
    )

    assert earned(bought(("a", 100)), rule_set).points == 110
    assert earned(bought(("a", 200)), rule_set).points == 400


def test_a_stack_stops_at_the_maximum() -> None:
    """The limit is on bonuses, also when they multiply, and the working says so."""
    rule_set = rules(WEEKEND, stacking="multiplicative", maximum_multiplier_bp=25_000)

    breakdown = earned(bought(("a", 100), at=SATURDAY), rule_set, cards=[Double()])

    assert (breakdown.points, breakdown.multiplier_bp) == (250, 25_000)
    assert why(breakdown, "maximum_multiplier") == (True, "maximum_multiplier")


@pytest.mark.parametrize(
    ("written", "stacking", "told"),
    [
        ([on("drinks", 150), on("bakery", 150)], "additive", False),  # x2.5 each, nothing is cut
        ([on("drinks", 80), on("bakery", 80)], "multiplicative", False),  # x1.8 each
        ([on("drinks", 180), on("bakery", 180), WEEKEND], "additive", True),  # x3.3 each
        ([on("drinks", 100), on("bakery", 110), WEEKEND], "multiplicative", True),  # x3.15 one
        ([on("drinks", 201), on("bakery", 10)], "additive", True),
        ([on("drinks", 201), on("bakery", 10)], "best_only", True),
        ([WEEKEND | {"bonus_bp": 21_000}], "additive", True),
        # The one line on which too much would meet earns nothing anyway.
        ([on("free", 150), on("free", 150) | {"id": "more"}], "additive", False),
    ],
)
def test_a_receipt_says_so_only_if_the_maximum_cut_something(
    written: Sequence[Mapping[str, Any]], stacking: str, told: bool
) -> None:
    """Bonuses of different lines never meet, so they do not add up to a stack."""
    rule_set = rules(
        *written, stacking=stacking, maximum_multiplier_bp=30_000, category_rates_bp={"free": 0}
    )
    purchase = bought(("drinks", 100), ("bakery", 100), ("free", 100), at=SATURDAY)

    breakdown = earned(purchase, rule_set)

    assert any(reason.rule == "maximum_multiplier" for reason in breakdown.reasons) is told
    lines = [line.points for line in breakdown.lines]
    free = earned(purchase, rule_set.model_copy(update={"maximum_multiplier_bp": 1_000_000}))
    assert (lines != [line.points for line in free.lines]) is told


def test_a_bonus_on_some_lines_leaves_the_others_alone() -> None:
    """The brand's own +50% is the brand's, the weekend's is everybody's."""
    brand = {"id": "oats", "when": {"brands": ["Oatly"]}, "bonus_bp": 5_000}
    oats = Line(sku="o", category="a", brand="Oatly", net_minor=100 * YUAN)

    breakdown = earned(bought(oats, ("a", 100), at=SATURDAY), rules(WEEKEND, brand))

    assert [line.points for line in breakdown.lines] == [200, 150]
    assert (breakdown.points, breakdown.multiplier_bp) == (350, 15_000)


def test_a_rule_without_any_room_leaves_its_group_to_the_next() -> None:
    """Whose festival cap is used up still has the weekday's +50%; what was wished is kept."""
    rule_set = rules(
        {
            "id": "festival",
            "bonus_bp": 10_000,
            "group": "g",
            "priority": 1,
            "caps": [{"points": 10, "per": "day"}],
        },
        {"id": "weekday", "bonus_bp": 5_000, "group": "g"},
    )

    breakdown = earned(bought(("a", 100)), rule_set, used={("festival", "2026-10-14"): 10})

    assert (breakdown.points, breakdown.multiplier_bp) == (150, 15_000)
    assert why(breakdown, "festival") == (False, "cap_reached")
    assert [count.to_json() for count in breakdown.counted] == [
        {"counter": "festival", "period": "2026-10-14", "wished": 100, "granted": 0}
    ]
    assert refund(breakdown, [0], 0) == 150


def test_a_group_keeps_out_other_rules_and_never_the_same_one() -> None:
    """Two new products: 50 for each, and the festival's gift for neither."""
    launch = {"skus": ["a", "b"], "first_purchase": True}
    rule_set = rules(
        {"id": "launch", "when": launch, "points": 50, "group": "g", "priority": 1},
        {"id": "festival", "points": 5, "group": "g"},
    )
    lines = [Line(sku=sku, category="x", net_minor=10 * YUAN) for sku in ("a", "b")]

    breakdown = earned(bought(*lines), rule_set)

    assert breakdown.points == 20 + 100
    assert why(breakdown, "festival") == (False, "exclusive_group")
    assert refund(breakdown, [0, 1], 0) == 60


# --- steps and rounding (features 9, rule 9) --------------------------------------------------


@pytest.mark.parametrize(
    ("yuan", "flat", "greedy"),
    [(99, 0, 0), (100, 10, 10), (199, 10, 10), (200, 25, 25), (300, 25, 35), (350, 25, 35),
     (400, 25, 50)],
)  # fmt: skip
def test_a_table_of_steps_says_what_lies_beyond_it(yuan: int, flat: int, greedy: int) -> None:
    """100 yuan = 10, 200 = 25; what 350 give is written in the rule."""
    steps = [{"minor": 100 * YUAN, "points": 10}, {"minor": 200 * YUAN, "points": 25}]

    for beyond, points in (("flat", flat), ("greedy", greedy)):
        rule_set = rules(base={"steps": steps, "beyond": beyond})
        assert earned(bought(("a", yuan)), rule_set).points == points


def test_a_table_of_steps_without_beyond_is_refused() -> None:
    """Nobody shall find out at the till what 300 yuan give."""
    with pytest.raises(ValidationError, match="beyond"):
        rules(base={"steps": [{"minor": 100, "points": 1}]})


@pytest.mark.parametrize(
    ("nets", "points", "lines"),
    [
        ([700], 7, [7]),  # 1 point per yuan: not 0 because 7 is less than a step of 10
        ([33, 33, 34], 1, [0, 0, 1]),  # each line alone would round to nothing
        ([199], 1, [1]),  # never up
        ([26828], 268, [268]),  # 268.28, not 268.28000000000003
    ],
)
def test_a_receipt_is_rounded_down_once(nets: list[int], points: int, lines: list[int]) -> None:
    """Not per line, not by steps of money, and without a binary fraction (rule 9)."""
    made = [Line(sku="s", category="a", net_minor=net) for net in nets]

    breakdown = earned(bought(*made), rules())

    assert (breakdown.points, [line.points for line in breakdown.lines]) == (points, lines)


# --- what counts (rule 11) --------------------------------------------------------------------


@pytest.mark.parametrize("category", ["gift_card", "top_up", "shipping"])
def test_what_is_not_goods_earns_nothing_and_helps_no_threshold(category: str) -> None:
    """100 yuan of goods and 100 of gift cards are not a receipt of 200."""
    big = {"id": "big", "when": {"from_minor": 200 * YUAN}, "bonus_bp": 10_000}

    breakdown = earned(bought(("a", 100), (category, 100)), rules(big))

    assert breakdown.points == 100
    assert why(breakdown, "big") == (False, "below_threshold")


def test_the_part_paid_with_points_earns_nothing() -> None:
    """30 of 100 yuan paid with points leave 70, spread over the lines by what they cost."""
    breakdown = earned(bought(("a", 75), ("a", 25), paid_with_points_minor=30 * YUAN), rules())

    assert breakdown.points == 70
    assert [line.earning_minor for line in breakdown.lines] == [5_250, 1_750]
    assert [line.net_minor for line in breakdown.lines] == [7_500, 2_500]


def test_a_receipt_paid_with_points_earns_no_flat_points_either() -> None:
    """Or points would buy points for ever."""
    gift = {"id": "visit", "points": 50}

    assert earned(bought(("a", 10), paid_with_points_minor=1_000), rules(gift)).points == 0
    assert earned(bought(("gift_card", 10)), rules(gift)).points == 0
    assert earned(bought(("a", 10)), rules(gift)).points == 60


@pytest.mark.parametrize(("tax", "points"), [("included", 113), ("excluded", 100)])
def test_tax_counts_by_setting(tax: str, points: int) -> None:
    """113 yuan with 13 of tax in it."""
    line = Line(sku="s", category="a", net_minor=11_300, tax_minor=1_300)

    assert earned(bought(line), rules(tax=tax)).points == points


# --- time (rule 12) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wall", "counts"),
    [
        ("2026-09-30T23:59:59.999999", False),
        ("2026-10-01T00:00:00", True),
        ("2026-10-07T23:59:59.999999", True),  # a date-only end is the end of that day
        ("2026-10-08T00:00:00", False),
    ],
)
def test_a_window_is_half_open_in_the_programmes_zone(wall: str, counts: bool) -> None:
    """Golden Week, whatever zone the till's clock is in."""
    week = {
        "id": "golden", "bonus_bp": 10_000,
        "valid_from": "2026-10-01", "valid_until": "2026-10-07",
    }  # fmt: skip
    at = datetime.fromisoformat(wall).replace(tzinfo=SHANGHAI).astimezone(ZoneInfo("America/Lima"))

    assert earned(bought(("a", 100), at=at), rules(week)).points == (200 if counts else 100)


@pytest.mark.parametrize(
    ("day", "names", "counts"),
    [
        ("2026-02-16", ["Spring Festival"], False),
        ("2026-02-17", ["Spring Festival"], True),  # moves with the moon
        ("2027-02-06", ["春节"], True),
        ("2026-02-06", ["春节"], False),
        ("2026-09-25", ["Mid-Autumn"], True),
        ("2026-10-01", [], True),
        ("2026-10-14", [], False),
    ],
)
def test_holidays_follow_the_calendar_of_the_country(
    day: str, names: list[str], counts: bool
) -> None:
    """Lunar festivals too, in either language."""
    double = {"id": "h", "when": {"holidays": {"names": names}}, "bonus_bp": 10_000}
    at = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=SHANGHAI)

    assert earned(bought(("a", 100), at=at), rules(double)).points == (200 if counts else 100)


@pytest.mark.parametrize(
    ("clock", "counts"), [("21:59", False), ("22:00", True), ("01:59", True), ("02:00", False)]
)
def test_hours_may_run_past_midnight(clock: str, counts: bool) -> None:
    """The night hours of a shop that never closes."""
    night = {"id": "n", "when": {"hours": {"since": "22:00", "until": "02:00"}}, "bonus_bp": 10_000}
    at = datetime.fromisoformat(f"2026-10-14T{clock}").replace(tzinfo=SHANGHAI)

    assert earned(bought(("a", 100), at=at), rules(night)).points == (200 if counts else 100)


NIGHT = {"since": "22:00", "until": "02:00"}


@pytest.mark.parametrize(
    ("when", "wall", "reason"),
    [
        ({"weekdays": ["fri"]}, "2026-10-16T01:00", "other_weekday"),  # still Thursday's night
        ({"weekdays": ["fri"]}, "2026-10-16T02:00", "other_hours"),
        ({"weekdays": ["fri"]}, "2026-10-16T22:00", "applies"),
        ({"weekdays": ["fri"]}, "2026-10-17T01:59", "applies"),
        ({"weekdays": ["fri"]}, "2026-10-17T22:00", "other_weekday"),
        ({"weekdays": ["sun"]}, "2026-10-19T00:00", "applies"),
        ({"holidays": {"names": ["Mid-Autumn"]}}, "2026-09-25T01:00", "no_holiday"),
        ({"holidays": {"names": ["Mid-Autumn"]}}, "2026-09-26T01:00", "applies"),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_began(
    when: Mapping[str, Any], wall: str, reason: str
) -> None:
    """Friday night is over at two o'clock on Saturday."""
    night = {"id": "night", "when": {"hours": NIGHT, **when}, "bonus_bp": 10_000}
    at = datetime.fromisoformat(wall).replace(tzinfo=SHANGHAI)

    breakdown = earned(bought(("a", 100), at=at), rules(night))

    assert why(breakdown, "night") == (reason == "applies", reason)


# --- what else a rule may ask -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "more", "points", "reason"),
    [
        ({"stores": ["riverside"]}, {"store": "riverside"}, 200, "applies"),
        ({"stores": ["riverside"]}, {"store": "airport"}, 100, "other_store"),
        ({"channels": ["app"]}, {"channel": "app"}, 200, "applies"),
        ({"channels": ["app"]}, {}, 100, "other_channel"),
        ({"tiers": ["gold"]}, {}, 100, "other_tier"),
        ({"weekdays": ["wed"]}, {}, 200, "applies"),
        ({"weekdays": ["thu"]}, {}, 100, "other_weekday"),
        ({"categories": ["b"]}, {}, 100, "no_matching_line"),
        ({"from_minor": 10_001}, {}, 100, "below_threshold"),
        ({"from_minor": 10_000}, {}, 200, "applies"),
        ({"condition": 'event.store == "x"'}, {"store": "x"}, 200, "applies"),
        ({"condition": "member.purchases > 3"}, {}, 100, "condition_not_met"),
    ],
)
def test_every_rule_says_whether_it_applied_and_why(
    when: Mapping[str, Any], more: Mapping[str, Any], points: int, reason: str
) -> None:
    """Also the ones that did not: by a stable code."""
    purchase = bought(("a", 100), **more)
    asked = {"event.store": purchase.store or "", "member.purchases": 1}

    breakdown = earned(purchase, rules({"id": "r", "when": when, "bonus_bp": 10_000}), asked=asked)

    assert breakdown.points == points
    assert why(breakdown, "r") == (reason == "applies", reason)


def test_a_rate_of_a_rule_comes_before_the_categorys() -> None:
    """Luxury watches 5 a yuan, all else of the category 2."""
    watch = {"id": "watch", "when": {"skus": ["w"]}, "rate_bp": 50_000}
    lines = [Line(sku=sku, category="fresh", net_minor=1_000) for sku in ("w", "x")]

    assert [x.points for x in earned(bought(*lines), rules(watch, **FRESH)).lines] == [50, 20]


def test_the_first_purchase_of_each_new_product_earns_once() -> None:
    """Feature 14: 50 points each, not for what was bought before, not for a second piece."""
    new = {"id": "new", "when": {"skus": ["a", "b"], "first_purchase": True}, "points": 50}
    lines = [Line(sku=sku, category="x", net_minor=10) for sku in ("a", "a", "b")]

    assert earned(bought(*lines), rules(new)).points == 100
    assert earned(bought(*lines), rules(new), bought=frozenset("a")).points == 50


@pytest.mark.parametrize(
    ("type", "attributes", "points"),
    [("survey", {}, 20), ("review", {"photo": "yes"}, 200), ("review", {}, 0),
     ("green_act", {"kind": "own_bag"}, 100), ("green_act", {"kind": "slow_delivery"}, 80),
     ("check_in", {}, 0)],
)  # fmt: skip
def test_other_acts_earn_flat_points(type: str, attributes: dict[str, str], points: int) -> None:
    """Features 15, 17 and 19: the survey, the review with a photo, the own bag."""

    def green(kind: str) -> str:
        return f'event.attributes["kind"] == "{kind}"'

    rule_set = rules(
        {"id": "survey", "when": {"event": "survey"}, "points": 20},
        {
            "id": "photo",
            "when": {"event": "review", "condition": '"photo" in event.attributes'},
            "points": 200,
        },
        {"id": "bag", "when": {"event": "green_act", "condition": green("own_bag")}, "points": 100},
        {
            "id": "slow",
            "when": {"event": "green_act", "condition": green("slow_delivery")},
            "points": 80,
        },
    )
    act = MemberEvent(
        source="app", id="e", type=type, member_id="m", occurred_at=WEDNESDAY, attributes=attributes
    )

    breakdown = earn_act(act, rule_set, Facts(asked={"event.attributes": attributes}), SHANGHAI)

    assert breakdown.points == points


# --- caps (rule 22) ---------------------------------------------------------------------------


def reason_of(breakdown: Breakdown, rule: str) -> Reason:
    return next(reason for reason in breakdown.reasons if reason.rule == rule)


def test_a_cap_grants_what_room_there_is_and_keeps_what_was_wished() -> None:
    """The bonus of 100 meets a room of 30: 30 are granted, and nobody loses the base."""
    capped = {"id": "b", "bonus_bp": 10_000, "caps": [{"points": 50, "per": "month"}]}

    breakdown = earned(bought(("a", 100)), rules(capped), used={("b", "2026-10"): 20})

    assert breakdown.points == 130
    assert sum(line.points for line in breakdown.lines) == 130
    told = reason_of(breakdown, "b")
    assert (told.wished, told.granted, told.reason) == (100, 30, "cap_reached")
    assert [c.to_json() for c in breakdown.counted] == [
        {"counter": "b", "period": "2026-10", "wished": 100, "granted": 30}
    ]


@pytest.mark.parametrize(
    ("per", "period"),
    [("day", "2026-10-14"), ("week", "2026-W42"), ("month", "2026-10"), ("ever", "ever")],
)
def test_a_cap_counts_by_when_it_happened(per: str, period: str) -> None:
    """By the programme's calendar: 17:00 UTC on the 13th is the 14th in Shanghai."""
    capped = {"id": "b", "points": 40, "caps": [{"points": 50, "per": per}]}
    at = datetime(2026, 10, 13, 17, tzinfo=UTC)

    assert earned(bought(("a", 1), at=at), rules(capped), used={("b", period): 30}).points == 21


def test_a_campaigns_cap_is_shared_by_its_rules() -> None:
    """Two rules of one campaign draw on one room, in their order."""
    pair = [{"id": n, "points": 40, "campaign": "spring"} for n in ("one", "two")]
    caps = {"campaign_caps": {"spring": [{"points": 60, "per": "ever"}]}}

    breakdown = earned(bought(("a", 1)), rules(*pair, **caps))

    assert breakdown.points == 61
    assert [(r.wished, r.granted) for r in breakdown.reasons] == [(40, 40), (40, 20)]


def test_a_cap_on_everything_bounds_the_base_too() -> None:
    """Feature 28: large gains in a short time."""
    rule_set = rules({"id": "gift", "points": 50}, caps=[{"points": 120, "per": "day"}])

    breakdown = earned(bought(("a", 100)), rule_set)

    assert (breakdown.spend_points, breakdown.flat_points) == (100, 20)
    assert why(breakdown, "everything_per_day") == (True, "cap_reached")


def test_a_return_gives_back_what_it_no_longer_uses_of_a_cap() -> None:
    """150 wished, 100 granted; half comes back and 75 are still wished: 25 become free."""
    capped = {"id": "b", "bonus_bp": 15_000, "caps": [{"points": 100, "per": "month"}]}
    line = Line(sku="s", category="a", quantity=2, net_minor=100 * YUAN)
    breakdown = earned(bought(line), rules(capped))

    assert breakdown.points == 200
    assert refund(breakdown, [1], 0) == 75
    assert room_back(Kept(breakdown, [2], [1])) == {("b", "2026-10"): (75, 25)}
