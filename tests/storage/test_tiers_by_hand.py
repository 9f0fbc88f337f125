"""Tiers that people give: by hand, for a time, and for a fee."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.errors import Invalid, WrongState
from loyalty.tiers.settings import Period
from storage import tables
from storage.database import Database
from tests.storage.tier_desk import Opened, day, opening


@pytest.fixture
def opened(database: Database) -> Opened:
    return opening(database)


def test_a_tier_set_by_hand_stays_with_its_reason(opened: Opened) -> None:
    """No gift, no loss by refunds; the audit trail has who and why, once."""
    desk = opened()
    desk.spends(1_000, "r1")
    points = desk.balance("lee").available

    for _ in range(2):
        assert desk.gives(tier="gold").tier == "gold"
    desk.returns("r1")
    desk.night()

    assert desk.tier() == "gold"
    assert desk.balance("lee").available == 0 < points
    [row] = desk.history()
    assert row.reason == "set_by_hand"
    trail = tables.audit.c.action == "member.tier"
    assert desk.count(tables.audit, trail) == 1


def test_a_tier_set_by_hand_for_a_time_gives_way_to_the_one_before(opened: Opened) -> None:
    """Gold for a wedding: silver again when it is over."""
    desk = opened()
    desk.spends(100_000, "r1")
    desk.gives(tier="gold", until=day("2026-06-01"))
    desk.clock.instant = day("2026-06-05")

    desk.review()

    assert desk.tier() == "silver"


def test_good_will_takes_nothing_away_that_was_earned(opened: Opened) -> None:
    """Silver was earned and stays: "silver until June" is over, and only a return lowers it."""
    desk = opened()
    desk.spends(100_000, "r1")
    desk.gives(tier="silver", until=day("2027-06-01"))
    desk.clock.instant = day("2027-06-05")
    desk.review()
    assert (desk.tier(), desk.standing().valid_until) == ("silver", None)
    assert [desk.night(), desk.tier()] == [0, "silver"]

    desk.returns("r1")
    desk.night()

    assert desk.tier() == "ordinary"


def test_who_was_lowered_for_a_time_comes_back(opened: Opened) -> None:
    """Gold was earned once; silver by hand until June, then gold as before, and no second gift."""
    desk = opened()
    desk.spends(500_000, "r1")
    desk.clock.instant = day("2027-05-01")
    desk.gives(tier="silver", until=day("2027-06-01"))
    points = desk.balance("lee").posted
    desk.clock.instant = day("2027-06-05")

    desk.review()

    assert (desk.tier(), desk.balance("lee").posted) == ("gold", points)


def test_a_tier_given_again_by_hand_leaves_the_way_to_the_next(opened: Opened) -> None:
    """4,900 of 5,000 to gold; silver's end is moved by hand, and 100 are still enough."""
    desk = opened(period=Period(kind="from_tier_start"), downgrade="one_down")
    for number, minor in enumerate((100_000, 390_000)):
        desk.spends(minor, f"r{number}")
        desk.clock.instant += timedelta(days=1)
    assert desk.gives(tier="silver", until=day("2027-12-01")).to_rise == 10_000

    desk.spends(10_000, "r3")

    assert desk.tier() == "gold"


@pytest.mark.parametrize("days", [20, 31])
def test_a_short_time_by_hand_is_warned_of_too(opened: Opened, days: int) -> None:
    """Silver for 20 days, where warnings come 30 days before: once, the night after."""
    desk = opened(downgrade="one_down")
    desk.clock.instant = day("2026-04-05")
    desk.gives(tier="silver", until=desk.clock.now() + timedelta(days=days))

    told = []
    for _ in range(days - 1):
        desk.night()
        told.append(len(desk.told("tier.at_risk")))

    assert told[-1] == 1
    assert told.index(1) == max(0, days - 30)


def test_a_paid_level_counts_while_it_is_paid_for(opened: Opened) -> None:
    """Plus ranks as gold: higher than ordinary until its end, then the ladder counts again."""
    desk = opened(paid_levels={"plus": "gold"})
    assert desk.gives(kind="paid", tier="plus", until=day("2026-06-01")).tier == "plus"
    desk.spends(100_000, "r1")
    assert desk.tier() == "plus"
    assert desk.standing().ladder_tier == "silver"
    assert desk.tier_on(desk.clock.now()) == "plus"
    desk.clock.instant = day("2026-06-01", 11)

    assert [desk.review(), desk.review()] == [1, 0]

    assert desk.tier() == "silver"
    assert desk.told("tier.changed")[-1]["reason"] == "paid_ended"


def test_a_paid_level_may_be_ended_early(opened: Opened) -> None:
    """The fee is given back: the level ends now; ending what does not run is refused."""
    desk = opened(paid_levels={"plus": "gold"})
    desk.gives(kind="paid", tier="plus", until=day("2027-03-01"))

    assert desk.gives(kind="paid", tier="plus", until=day("2026-03-01")).tier == "ordinary"
    with pytest.raises(WrongState):
        desk.gives(kind="paid", tier="plus", until=day("2026-03-01"))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"tier": "platinum"}, "tier"),
        ({"tier": "gold", "until": day("2026-01-01")}, "until"),
        ({"kind": "paid", "tier": "gold", "until": day("2027-01-01")}, "tier"),
    ],
)
def test_a_tier_that_cannot_be_given_is_refused(
    opened: Opened, given: dict[str, Any], field: str
) -> None:
    """With the field and what is allowed; nothing is written."""
    desk = opened()

    with pytest.raises(Invalid) as refused:
        desk.gives(**given)

    assert refused.value.problems[0]["field"] == field
    assert desk.history() == []
