"""Up at once, down by the policy: the rules of the ladder, each with its figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import strategies as st

from loyalty.tiers.decisions import is_at_risk
from loyalty.tiers.gifts import gifts
from loyalty.tiers.periods import counted_from, lasts_until
from loyalty.tiers.settings import Period
from loyalty.tiers.standing import Held, Place, evaluate, tier_at
from tests.loyalty.tier_life import JOINED, LATENESS, SHANGHAI, Life, day, rules

MIDNIGHT = "T00:00:00+08:00"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + MIDNIGHT if len(text) == 10 else text)


# --- rising -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spent", "tier"),
    [
        (0, "ordinary"),  # a threshold of 0 is met by 0
        (99, "ordinary"),
        (100, "silver"),  # equal is enough
        (101, "silver"),
        (499, "silver"),
        (500, "gold"),
        (1000, "diamond"),
        (10**12, "diamond"),
    ],
)
def test_a_tier_is_reached_at_its_threshold_and_not_below(spent: int, tier: str) -> None:
    """Whoever spends exactly the figure on the poster has the tier."""
    life = Life(rules())

    life.buys(day("2026-03-01"), spent)

    assert life.tier(day("2026-03-01")) == tier


def test_a_rise_says_why_and_on_which_figure() -> None:
    """The row can be shown to a member: from where, to where, what was counted since when."""
    risen = Life(rules(downgrade="by_metric")).buys(day("2026-03-01"), 700)

    assert risen == Held(
        "ladder", "gold", day("2026-03-01"), day("2027-03-01"), "reached", "ordinary", 700,
        day("2025-03-01"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("period", "now", "since"),
    [
        (Period(), day("2026-08-31"), day("2025-08-31")),
        (Period(months=6), day("2026-08-31"), day("2026-02-28")),
        (Period(kind="calendar_year"), day("2026-08-31"), at("2026-01-01")),
        (Period(kind="calendar_year"), at("2026-01-01"), at("2026-01-01")),
        (Period(kind="from_tier_start"), day("2026-08-31"), day("2026-05-05")),
        (Period(kind="from_tier_start", months=3), day("2026-08-31"), day("2026-08-05")),
        (Period(kind="from_join_date"), day("2027-01-09"), at("2026-01-10")),
        (Period(kind="from_join_date"), at("2027-01-10"), at("2027-01-10")),
        (Period(kind="fixed_cycle", starts_on="2025-04-01"), day("2026-03-31"), at("2025-04-01")),
        (Period(kind="fixed_cycle", starts_on="2025-04-01"), day("2026-04-01"), at("2026-04-01")),
        # A receipt from before the first cycle has a cycle of its own.
        (Period(kind="fixed_cycle", starts_on="2027-04-01"), day("2026-05-01"), at("2026-04-01")),
        (
            Period(kind="fixed_cycle", starts_on="2026-01-31", months=1),
            day("2026-03-01"),
            at("2026-02-28"),
        ),
    ],
)
def test_the_window_begins_where_the_period_says(
    period: Period, now: datetime, since: datetime
) -> None:
    """Rolling months, calendar years, a member's own year and a shop's own cycle."""
    assert counted_from(period, now, SHANGHAI, JOINED, day("2026-05-05")) == since


def test_what_was_spent_before_the_window_no_longer_lifts() -> None:
    """Twelve months are twelve months: last spring's receipt is over this summer."""
    life = Life(rules())
    life.buys(day("2026-03-01"), 60)
    life.buys(day("2027-03-02"), 60)
    assert life.tier(day("2027-03-02")) == "ordinary"

    life.buys(day("2027-03-03"), 40)

    assert life.tier(day("2027-03-03")) == "silver"


def test_a_new_tier_counts_from_its_own_start() -> None:
    """Where the period begins with the tier, every step up has to be earned from zero."""
    life = Life(rules(period=Period(kind="from_tier_start")))
    life.buys(day("2026-03-01"), 400)
    life.buys(day("2026-03-02"), 100)
    assert life.tier(day("2026-03-02")) == "silver"

    life.buys(day("2026-03-03"), 400)

    assert life.tier(day("2026-03-03")) == "gold"


# --- how long -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ({}, None),  # kept
        ({"downgrade": "one_down"}, day("2027-03-15")),
        ({"downgrade": "one_down", "validity_months": None}, None),
        ({"downgrade": "one_down", "validity_months": 3}, day("2026-06-15")),
        # To the end of the year into which the twelve months lead.
        ({"downgrade": "one_down", "period": Period(kind="calendar_year")}, at("2028-01-01")),
        (
            {
                "downgrade": "by_metric",
                "validity_months": 1,
                "period": Period(kind="calendar_year"),
            },
            at("2027-01-01"),
        ),
        (
            {"downgrade": "one_down", "period": Period(kind="from_join_date")},
            at("2028-01-10"),
        ),
        (
            {"downgrade": "one_down", "period": Period(kind="from_tier_start")},
            day("2027-03-15"),
        ),
    ],
)
def test_how_long_a_tier_lasts(changes: dict[str, Any], until: datetime | None) -> None:
    """So many months, or to the end of the period they lead into; kept tiers have no end."""
    tiers = rules(**changes)

    assert lasts_until(tiers, 1, day("2026-03-15"), SHANGHAI, JOINED) == until
    assert lasts_until(tiers, 0, day("2026-03-15"), SHANGHAI, JOINED) is None


APRIL = Period(kind="fixed_cycle", starts_on="2025-04-01")
HALVES = Period(kind="fixed_cycle", starts_on="2026-01-31", months=6)
MONTHS = Period(kind="fixed_cycle", starts_on="2026-01-31", months=1)
YEAR, JOINING = Period(kind="calendar_year"), Period(kind="from_join_date")
LEAP = day("2024-02-29")
HAVANA = ZoneInfo("America/Havana")  # its clocks go forward at midnight: 2026-03-08 begins at one


def midnight(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("period", "validity", "start", "until"),
    [
        # Reached in the middle of a period: to the end of the one that the months lead into.
        (YEAR, 12, day("2027-03-15"), midnight("2029-01-01")),
        (YEAR, 12, day("2027-12-31"), midnight("2029-01-01")),
        (YEAR, 12, day("2028-02-29"), midnight("2030-01-01")),
        (YEAR, 12, day("2027-01-01"), midnight("2029-01-01")),  # at ten, not at midnight
        (YEAR, 6, midnight("2027-07-01"), midnight("2028-01-01")),  # half a year to the instant
        (YEAR, 6, day("2027-07-01"), midnight("2029-01-01")),
        (JOINING, 12, day("2027-03-15"), midnight("2029-01-10")),
        (APRIL, 12, day("2027-03-15"), midnight("2028-04-01")),
        (HALVES, 6, day("2026-05-31"), midnight("2027-01-31")),
        (MONTHS, 1, day("2026-02-10"), midnight("2026-03-31")),
        # Kept where a period ends: so many months more and no longer.
        (YEAR, 12, midnight("2027-01-01"), midnight("2028-01-01")),
        (YEAR, 12, midnight("2028-01-01"), midnight("2029-01-01")),
        (YEAR, 24, midnight("2027-01-01"), midnight("2029-01-01")),
        (YEAR, 18, midnight("2027-01-01"), midnight("2029-01-01")),
        (YEAR, 1, midnight("2027-01-01"), midnight("2028-01-01")),
        (JOINING, 12, midnight("2027-01-10"), midnight("2028-01-10")),
        (APRIL, 12, midnight("2027-04-01"), midnight("2028-04-01")),
        (HALVES, 6, midnight("2026-07-31"), midnight("2027-01-31")),
        (HALVES, 12, midnight("2026-07-31"), midnight("2027-07-31")),
        # The last of a short month leads to the last of a long one.
        (MONTHS, 1, midnight("2026-02-28"), midnight("2026-03-31")),
        (MONTHS, 1, midnight("2026-03-31"), midnight("2026-04-30")),
        (MONTHS, 2, midnight("2026-02-28"), midnight("2026-04-30")),
    ],
)
def test_to_the_end_of_a_period_and_not_of_the_one_after(
    period: Period, validity: int, start: datetime, until: datetime
) -> None:
    """Reached in March it lasts through next December; kept at New Year, for that year alone."""
    tiers = rules(downgrade="one_down", period=period, validity_months=validity)

    assert lasts_until(tiers, 1, start, SHANGHAI, JOINED) == until


@pytest.mark.parametrize(
    ("joined", "zone", "ends"),
    [
        (LEAP, SHANGHAI, ["2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28"]),
        # The same evening is another day elsewhere: the programme's zone says which.
        (datetime(2026, 1, 10, 20, tzinfo=UTC), SHANGHAI, ["2027-01-11", "2028-01-11"]),
        (datetime(2026, 1, 10, 20, tzinfo=UTC), HAVANA, ["2027-01-10", "2028-01-10"]),
        (datetime(2023, 3, 8, 10, tzinfo=HAVANA), HAVANA, ["2025-03-08", "2026-03-08 01:00",
         "2027-03-08", "2028-03-08"]),
    ],
)  # fmt: skip
def test_kept_again_and_again_no_year_goes_unjudged(
    joined: datetime, zone: ZoneInfo, ends: list[str]
) -> None:
    """A member's own years: leap days, another zone, and midnights that summer time skips."""
    tiers = rules(downgrade="one_down", period=JOINING)
    instants = [midnight(text, zone) for text in ends]

    for start, until in pairwise(instants):
        assert lasts_until(tiers, 1, start, zone, joined) == until


def test_each_year_after_the_first_decides_about_the_next() -> None:
    """Gold of March 2027 is kept by what 2028 brought, and lost for what 2029 did not."""
    life = Life(rules(downgrade="one_down", period=YEAR))
    life.buys(day("2027-03-15"), 500)
    life.buys(day("2028-06-01"), 500)

    kept = life.review(day("2029-01-01"))
    assert kept is not None
    assert (kept.tier, kept.reason) == ("gold", "retained")
    assert (kept.from_at, kept.until_at) == (midnight("2029-01-01"), midnight("2030-01-01"))
    assert life.review(day("2029-12-31")) is None
    fell = life.review(day("2030-01-05"))

    assert fell is not None
    assert (fell.tier, fell.reason, fell.metric) == ("silver", "not_retained", 0)


# --- falling ------------------------------------------------------------------------------------


def diamond(changes: dict[str, Any]) -> Life:
    life = Life(rules(**changes))
    life.buys(day("2026-03-01"), 1000)
    assert life.tier(day("2026-03-01")) == "diamond"
    return life


@pytest.mark.parametrize(
    ("changes", "spent", "tier"),
    [
        ({"downgrade": "keep"}, 0, "diamond"),
        ({"downgrade": "one_down"}, 0, "gold"),
        ({"downgrade": "one_down"}, 1000, "diamond"),  # equal is enough here too
        ({"downgrade": "one_down"}, 999, "gold"),
        ({"downgrade": "by_metric"}, 0, "ordinary"),
        ({"downgrade": "by_metric"}, 100, "silver"),
        ({"downgrade": "by_metric"}, 999, "gold"),
        ({"downgrade": "by_metric", "soft_landing": True}, 0, "gold"),
        ({"downgrade": "by_metric", "soft_landing": True}, 999, "gold"),
    ],
)
def test_each_policy_when_the_time_is_over(changes: dict[str, Any], spent: int, tier: str) -> None:
    """A year after diamond was reached, with so much spent in it: keep, one down, by the metric."""
    life = diamond(changes)
    life.buys(day("2026-09-01"), spent)
    # The receipt that made it diamond is out of the window by then.
    over = day("2027-03-01") + LATENESS + timedelta(hours=1)

    life.review(over)

    assert life.tier(over) == tier


def test_nothing_is_lost_before_the_grace_and_late_receipts_are_over() -> None:
    """Ten days of grace, three more for receipts on their way: then, and not before."""
    life = diamond({"downgrade": "one_down", "grace_days": 10})

    assert life.review(day("2027-02-28")) is None
    assert life.review(day("2027-03-11")) is None
    assert life.review(day("2027-03-13")) is None
    assert life.review(day("2027-03-14")) is not None
    assert life.tier(day("2027-03-14")) == "gold"


def test_days_of_grace_are_days_to_qualify() -> None:
    """What is bought in the grace days keeps the tier, and its new year begins without a gap."""
    life = diamond({"downgrade": "one_down", "grace_days": 10})
    life.buys(day("2027-01-05"), 600)
    life.acts.append((day("2027-03-10"), 400))

    kept = life.review(day("2027-03-14"))

    assert kept is not None
    assert (kept.tier, kept.reason) == ("diamond", "retained")
    assert kept.from_at == day("2027-03-01")
    assert kept.until_at == day("2028-03-01")


def test_what_comes_after_the_grace_is_too_late_to_stay() -> None:
    """A day after the grace ends, 400 more no longer count for the year that is over."""
    life = diamond({"downgrade": "one_down", "grace_days": 10})
    life.buys(day("2026-03-05"), 600)  # out of a year's window by the middle of March
    life.acts.append((day("2027-03-12"), 400))

    life.review(day("2027-03-14"))

    assert life.tier(day("2027-03-14")) == "gold"


def test_a_new_policy_gives_everybody_the_whole_time_first() -> None:
    """Gold of three years ago is not lost on the day the shop begins to lower tiers."""
    life = Life(rules())
    life.buys(day("2026-03-01"), 500)
    life.tiers = rules(downgrade="by_metric")

    opened = life.review(day("2029-06-01"))

    assert opened is not None
    assert (opened.tier, opened.reason, opened.until_at) == ("gold", "opened", day("2030-06-01"))
    assert life.review(day("2030-05-31")) is None
    life.review(day("2030-06-05"))
    assert life.tier(day("2030-06-05")) == "ordinary"


def test_a_tier_the_shop_brought_along_is_given_its_time() -> None:
    """Members imported as gold stay gold for a whole validity, and their purchases count."""
    life = Life(rules(downgrade="by_metric"), Place(day("2020-01-01"), "gold"))
    opened = life.review(day("2026-06-01"))
    assert opened is not None
    assert opened.until_at == day("2027-06-01")

    life.buys(day("2026-12-01"), 500)
    life.review(day("2027-06-01"))

    assert life.tier(day("2027-06-02")) == "gold"


def test_a_tier_that_the_ladder_does_not_know_is_left_alone() -> None:
    """A shop that keeps tiers of its own finds them as it left them."""
    life = Life(rules(downgrade="by_metric"), Place(JOINED, "founder"))

    assert life.buys(day("2026-03-01"), 5000) is None
    assert life.review(day("2029-03-01")) is None
    assert life.tier(day("2029-03-01")) == "founder"


# --- refunds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("downgrade", ["keep", "one_down", "by_metric"])
def test_a_refund_takes_one_step_at_the_days_end(downgrade: str) -> None:
    """All of it came back: one tier down, after midnight, and no further the next night."""
    life = diamond({"downgrade": downgrade})
    life.returns(day("2026-03-02"), day("2026-03-01"), 1000)

    assert life.review(at("2026-03-02T23:59:00+08:00")) is None
    fell = life.review(at("2026-03-03"))

    assert fell is not None
    assert (fell.tier, fell.reason, fell.metric) == ("gold", "refunded", 0)
    assert life.review(at("2026-03-04")) is None


def test_a_refund_that_leaves_enough_changes_nothing() -> None:
    """1,200 spent, 200 came back: still 1,000, still diamond."""
    life = diamond({"downgrade": "by_metric"})
    life.buys(day("2026-03-02"), 200)
    life.returns(day("2026-03-02"), day("2026-03-01"), 200)

    assert life.review(at("2026-03-03")) is None


def test_who_bought_as_much_again_the_same_day_keeps_the_tier() -> None:
    """Refunds are judged at the day's end, so an exchange at the counter costs nobody a tier."""
    life = diamond({"downgrade": "by_metric"})
    life.returns(day("2026-03-02"), day("2026-03-01"), 1000)
    life.buys(at("2026-03-02T18:00:00+08:00"), 1000)

    assert life.review(at("2026-03-03")) is None


def test_a_kept_tier_is_not_lost_to_a_refund_in_a_later_year() -> None:
    """Silver of the first year stays; only the gold that the refund undid goes."""
    life = Life(rules())
    life.buys(day("2026-02-01"), 100)
    life.buys(day("2028-02-01"), 500)
    life.returns(day("2028-02-02"), day("2028-02-01"), 300)
    life.review(at("2028-02-03"))
    assert life.tier(at("2028-02-03")) == "silver"

    life.returns(day("2028-02-04"), day("2028-02-01"), 200)

    assert life.review(at("2028-02-05")) is None
    assert life.tier(at("2028-02-05")) == "silver"


def test_a_refund_undoes_a_rise_whose_validity_was_opened_later() -> None:
    """A change of policy in between does not make the receipt any more kept than it is."""
    life = diamond({})
    life.tiers = rules(downgrade="one_down")
    life.review(day("2026-04-01"))
    life.returns(day("2026-04-02"), day("2026-03-01"), 1000)

    fell = life.review(at("2026-04-03"))

    assert fell is not None
    assert (fell.tier, fell.reason) == ("gold", "refunded")


def test_a_tier_lent_twice_by_hand_goes_back_to_what_was_before_both() -> None:
    """Diamond for June, then for July too: a silver member is silver again in August."""
    life = Life(rules())
    life.buys(day("2026-03-01"), 100)
    for start, end, before in (
        ("2026-06-01", "2026-07-01", "silver"),
        ("2026-06-20", "2026-08-01", "diamond"),
    ):
        row = Held("ladder", "diamond", day(start), day(end), "set_by_hand", before)
        life.place = replace(life.place, history=(*life.place.history, row))

    life.review(day("2026-08-05"))

    assert life.tier(day("2026-08-05")) == "silver"


# --- receipts that come in late (rule 13) ------------------------------------------------------


def test_a_till_that_uploads_at_night_raises_from_the_receipt_on() -> None:
    """Bought at ten and at three, sent at ten at night: silver right after the first."""
    life = Life(rules(downgrade="one_down"))
    night = at("2026-03-03T22:00:00+08:00")

    life.uploads(day("2026-03-03"), 100, night)
    life.uploads(at("2026-03-03T15:00:00+08:00"), 100, night)

    [row] = life.place.history
    assert row.from_at == day("2026-03-03") + timedelta(microseconds=1)
    assert row.until_at == day("2027-03-03")
    assert life.tier(day("2026-03-03")) == "ordinary"


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(
    kind=st.sampled_from(["rolling", "calendar_year", "from_tier_start", "from_join_date"]),
    receipts=st.lists(
        st.tuples(st.integers(0, 71), st.sampled_from([10, 50, 60, 90, 100, 400, 500])),
        min_size=1, max_size=6, unique_by=lambda receipt: receipt[0],
    ).map(sorted),
    before=st.sampled_from([0, 50, 90, 450]),
)  # fmt: skip
def test_three_days_of_receipts_sent_at_once_are_judged_as_if_online(
    kind: Any, receipts: list[tuple[int, int]], before: int
) -> None:
    """Over New Year, in their order: the same tier before each, and valid for the same time."""
    online, late = (Life(rules(period=Period(kind=kind), downgrade="one_down")) for _ in range(2))
    for life in (online, late):
        life.acts.append((day("2026-12-01"), before))
    start = day("2026-12-30")
    times = [start + timedelta(hours=hour) for hour, _ in receipts]

    for bought, (_, amount) in zip(times, receipts, strict=True):
        online.uploads(bought, amount, bought + timedelta(seconds=1))
        late.uploads(bought, amount, start + LATENESS)

    def seen(life: Life) -> list[Any]:
        rows = [(row.tier, row.from_at, row.until_at) for row in life.place.history]
        return [*rows, *(life.tier(bought) for bought in times)]

    assert seen(online) == seen(late)


def test_what_is_reached_only_together_counts_from_the_upload() -> None:
    """The earlier receipt comes in last: the later one was posted as an ordinary member's."""
    life = Life(rules())
    night = at("2026-03-03T22:00:00+08:00")
    life.uploads(at("2026-03-03T15:00:00+08:00"), 60, night)

    row = life.uploads(day("2026-03-03"), 60, night)

    assert row is not None
    assert (row.from_at, row.metric) == (night, 120)


def test_the_higher_of_both_windows_counts() -> None:
    """Silver with the year that is over, gold with the new one: gold."""
    life = Life(rules(period=Period(kind="calendar_year")))
    life.acts.append((day("2026-12-01"), 90))
    now = day("2027-01-01")
    life.acts.append((now, 500))

    row = life.uploads(day("2026-12-31"), 10, now)

    assert row is not None
    assert (row.tier, row.from_at) == ("gold", now)


def test_a_tier_kept_at_new_year_is_raised_by_a_receipt_of_the_old_year() -> None:
    """Silver was kept on 1 January; a receipt of New Year's Eve makes it gold, through 2027."""
    life = Life(rules(period=Period(kind="calendar_year"), downgrade="one_down"))
    life.buys(day("2025-06-01"), 400)
    new_year = at("2027-01-01")
    life.acts.append((day("2026-06-01"), 400))
    assert life.review(new_year) is not None

    row = life.uploads(day("2026-12-31"), 100, day("2027-01-01"))

    assert row is not None
    assert (row.tier, row.from_at, row.until_at) == ("gold", new_year, at("2028-01-01"))
    assert life.tier(day("2026-12-31")) == "silver"


@pytest.mark.parametrize("reason", ["refunded", "set_by_hand"])
def test_who_was_lowered_since_is_judged_as_of_now(reason: Any) -> None:
    """What was decided after the receipt stands: the new year decides about a rise."""
    life = Life(rules(period=Period(kind="calendar_year")))
    life.buys(day("2026-06-01"), 500)
    lowered = Held("ladder", "silver", at("2027-01-01"), None, reason, "gold")
    life.place = replace(life.place, history=(*life.place.history, lowered))

    assert life.uploads(day("2026-12-31"), 100, day("2027-01-01")) is None


# --- gifts --------------------------------------------------------------------------------------


def given(life: Life, amount: int, when: datetime) -> list[tuple[str, str]]:
    before = life.case(when)
    risen = life.buys(when, amount)
    return [(rung.tier, period) for rung, period in gifts(before, risen)] if risen else []


def test_one_large_receipt_gives_the_gifts_of_every_tier_it_passes() -> None:
    """Two small receipts or one large one: the same gifts."""
    large, small = Life(rules()), Life(rules())
    when = day("2026-03-01")

    assert given(large, 500, when) == [("silver", "2026-03-01"), ("gold", "2026-03-01")]
    assert given(small, 100, when) + given(small, 400, when) == [
        ("silver", "2026-03-01"),
        ("gold", "2026-03-01"),
    ]


@pytest.mark.parametrize("kind", ["rolling", "calendar_year", "from_tier_start", "from_join_date"])
def test_down_and_up_in_one_period_gives_no_second_gift(kind: Any) -> None:
    """Bought, brought back, bought again: the gift was had."""
    life = Life(rules(period=Period(kind=kind)))
    assert [tier for tier, _ in given(life, 100, day("2026-03-01"))] == ["silver"]
    life.returns(day("2026-03-02"), day("2026-03-01"), 100)
    life.review(at("2026-03-03"))
    assert life.tier(at("2026-03-03")) == "ordinary"

    assert given(life, 100, day("2026-03-05")) == []
    assert life.tier(day("2026-03-05")) == "silver"


def test_the_next_period_gives_a_gift_again() -> None:
    """Silver lost at New Year and reached again in spring is that year's silver."""
    life = Life(rules(downgrade="by_metric", period=Period(kind="calendar_year")))
    assert given(life, 100, day("2026-03-01")) == [("silver", "2026-01-01")]
    life.review(day("2028-01-04"))
    assert life.tier(day("2028-01-04")) == "ordinary"

    assert given(life, 100, day("2028-03-01")) == [("silver", "2028-01-01")]


# --- where a member stands ----------------------------------------------------------------------


def test_a_standing_says_what_is_missing() -> None:
    """Gold since March: 300 to diamond, 100 to stay, warned a month before."""
    life = Life(rules(downgrade="one_down", grace_days=5))
    life.buys(day("2026-03-01"), 500)
    life.buys(day("2026-09-01"), 400)

    early, late = evaluate(life.case(day("2026-10-01"))), evaluate(life.case(day("2027-02-01")))

    assert (early.tier, early.next_tier, early.to_rise) == ("gold", "diamond", 100)
    assert (early.to_stay, early.at_risk) == (100, False)  # March's 500 made it gold already
    assert early.stay_by == day("2027-03-06")
    assert (late.to_stay, late.at_risk) == (100, True)
    assert late.valid_until == day("2027-03-01")


def test_a_warning_comes_before_a_tier_is_lost_and_not_after() -> None:
    """Thirty days before, while something is missing, until the grace is over."""
    life = diamond({"downgrade": "one_down", "grace_days": 5})
    life.acts[:] = [(day("2026-06-01"), 700)]

    assert not is_at_risk(life.case(day("2027-01-29")))
    assert is_at_risk(life.case(day("2027-01-30")))
    assert evaluate(life.case(day("2027-01-30"))).to_stay == 300
    assert not is_at_risk(life.case(day("2027-03-07")))
    life.acts.append((day("2027-02-01"), 300))
    assert not is_at_risk(life.case(day("2027-02-01")))


def paid(tier: str, start: str, end: str) -> Held:
    return Held("paid", tier, day(start), day(end), "paid", "ordinary")


@pytest.mark.parametrize(
    ("ladder", "bought", "counts"),
    [
        ("ordinary", "plus", "plus"),
        ("gold", "plus", "gold"),  # equal: the one that does not run out
        ("diamond", "plus", "diamond"),
        ("silver", "plus", "plus"),
        ("silver", "sold_no_more", "silver"),
    ],
)
def test_of_a_paid_level_and_the_ladder_the_higher_counts(
    ladder: str, bought: str, counts: str
) -> None:
    """A bought level never moves the member on the ladder; the ladder never ends what is paid."""
    tiers = rules(paid_levels={"plus": "gold"})
    rows = (
        Held("ladder", ladder, day("2026-02-01"), None, "reached", "ordinary"),
        paid(bought, "2026-03-01", "2026-04-01"),
    )
    place = Place(JOINED, "ordinary", rows)

    assert tier_at(tiers, place, day("2026-02-15")) == ladder
    assert tier_at(tiers, place, day("2026-03-15")) == counts
    assert tier_at(tiers, place, day("2026-04-01")) == ladder
    assert tier_at(tiers, place, day("2026-01-15")) == "ordinary"


def test_the_last_word_about_a_paid_level_counts() -> None:
    """A level given back early has ended, whatever its first end was."""
    tiers = rules(paid_levels={"plus": "gold"})
    rows = (paid("plus", "2026-03-01", "2027-03-01"), paid("plus", "2026-05-01", "2026-05-01"))
    place = Place(JOINED, "plus", rows)

    assert tier_at(tiers, place, day("2026-04-01")) == "plus"
    assert tier_at(tiers, place, day("2026-06-01")) == "ordinary"
