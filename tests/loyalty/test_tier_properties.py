"""Whatever members buy, bring back and let pass: what always holds on the ladder."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.tiers.gifts import gifts
from loyalty.tiers.settings import Period, Tiers
from tests.loyalty.tier_life import JOINED, Life, rules

KINDS = ("rolling", "calendar_year", "from_tier_start", "from_join_date")


def _rules(policy: str, soft: bool, months: int, kind: Any, grace: int) -> Tiers:
    return rules(
        downgrade=policy,
        soft_landing=soft and policy == "by_metric",
        validity_months=months,
        period=Period(kind=kind),
        grace_days=0 if policy == "keep" else grace,
    )


RULES = st.builds(
    _rules,
    st.sampled_from(("keep", "one_down", "by_metric")),
    st.booleans(),
    st.integers(1, 18),
    st.sampled_from(KINDS),
    st.sampled_from((0, 14)),
)
# Days that pass, then a receipt of so much, a refund of so much of the last one, or nothing.
DAYS = st.lists(
    st.tuples(
        st.integers(1, 200),
        st.sampled_from(("buys", "returns", "passes")),
        st.integers(0, 600),
    ),
    max_size=25,
)


def _rank(life: "Walk") -> int:
    rank = life.tiers.rank(life.place.ladder_tier(life.now))
    assert rank is not None
    return rank


class Walk(Life):
    """A life lived day by day; the review looks in every midday after something happened."""

    now = JOINED

    def live(self, days: int, act: str, amount: int) -> None:
        self.now += timedelta(days=days)
        if act == "buys":
            self.buys(self.now, amount)
        elif act == "returns" and self.acts and self.acts[-1][1] > 0:
            bought_at, bought = self.acts[-1]
            self.returns(self.now, bought_at, min(amount, bought))
            self.now += timedelta(days=1)


@settings(max_examples=300, deadline=None)
@given(RULES, DAYS)
def test_nobody_rises_above_what_the_metric_allows(tiers: Tiers, days: list[Any]) -> None:
    """Every rise stands on a sum that meets its threshold, and misses the next one's."""
    life = Walk(tiers)
    for each in days:
        life.live(*each)
        life.review(life.now)

    for row in life.place.history:
        if row.reason == "reached":
            assert row.metric is not None
            assert tiers.reached(row.metric) == tiers.rank(row.tier)
            assert (tiers.rank(row.came_from) or 0) < (tiers.rank(row.tier) or 0)


@settings(max_examples=300, deadline=None)
@given(RULES, DAYS)
def test_reviewing_twice_is_reviewing_once(tiers: Tiers, days: list[Any]) -> None:
    """A review that was killed and comes again, or runs on two machines, changes nothing more."""
    life = Walk(tiers)
    for each in days:
        life.live(*each)
        life.review(life.now)
        once = life.place.history

        assert life.review(life.now) is None
        assert life.place.history == once


@settings(max_examples=300, deadline=None)
@given(RULES, DAYS)
def test_a_tier_falls_only_in_a_review_and_as_far_as_the_policy_says(
    tiers: Tiers, days: list[Any]
) -> None:
    """Receipts and refunds alone never lower it; kept tiers go by refunds only, a step at most."""
    life = Walk(tiers)
    for each in days:
        before = _rank(life)
        life.live(*each)
        assert _rank(life) >= before

        risen, row = _rank(life), life.review(life.now)

        step = risen - _rank(life)
        if row is not None and row.reason == "refunded":
            assert step == 1
        elif tiers.downgrade == "keep":
            assert step <= 0
        elif tiers.downgrade == "one_down" or tiers.soft_landing:
            assert step <= 1
        if row is not None and row.reason == "not_retained":
            assert tiers.reached(row.metric or 0) <= _rank(life)


@settings(max_examples=200, deadline=None)
@given(RULES, DAYS)
def test_no_gift_comes_twice_in_one_period(tiers: Tiers, days: list[Any]) -> None:
    """However often a tier is lost and reached again."""
    life = Walk(tiers)
    had: list[tuple[str, str]] = []
    for each in days:
        known = len(life.place.history)
        life.live(*each)
        life.review(life.now)
        for number in range(known, len(life.place.history)):
            row = life.place.history[number]
            case = Life(tiers, _until(life, number)).case(row.from_at)
            had += [(rung.tier, period) for rung, period in gifts(case, row)]

    assert len(had) == len(set(had))


def _until(life: "Walk", number: int) -> Any:
    return type(life.place)(life.place.joined, life.place.given, life.place.history[:number])
