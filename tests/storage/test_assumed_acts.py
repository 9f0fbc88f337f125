"""What a simulation assumes is looked for within bounds, whatever a condition's text may be."""

from typing import Any

import pytest

from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.conditions import Condition
from loyalty.journeys.load import load_texts
from loyalty.rehearsal import calendar
from loyalty.simulation.assumptions import TRIES_IN_ALL, TRIES_MAX, Assumption
from loyalty.simulation.play import ACTS_MAX, Simulation
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

EVERYTHING = Assumption(kind="everything")
HEAD = """
name: hostile
title: {en: Hostile, zh: 自建}
summary: {en: Asks for too much., zh: 要求过多。}
enter: once
reentry: {once: per_member}
journey:
"""
NUMBERS = ", ".join(str(n) for n in range(100, 200))
TEXTS = ", ".join(f'"s{n}"' for n in range(60))
NEVER = (
    f"event.amount_minor in [{NUMBERS}] && event.store in [{TEXTS}] && event.channel == 'nowhere'"
    " && event.store == 'elsewhere'"
)


class Rehearsed(FrontDesk):
    """A front desk with a draft that is looked at."""

    def simulated(self, *steps: str) -> Simulation:
        text = HEAD + "\n".join(steps)
        template = load_texts("hostile", {"campaign.yaml": text})
        request = CampaignRequest(
            id="hostile", name="Hostile", template="hostile", holdout_percent=0
        )

        def work(tx: Any) -> None:
            campaigns.draft(tx, template, request, "mia", lambda made: ())

        self.store.run(work)
        return self.store.read(lambda tx: calendar(tx, "hostile", None, "lee", EVERYTHING))[1]


def awaits(id: str, *goals: str, within: str = "P80D") -> str:
    lines = "\n".join(f"        - {{{goal}}}" for goal in goals)
    return f"  - id: {id}\n    await:\n      goals:\n{lines}\n      within: {within}"


def goal(id: str, where: str, count: int = 1, on: str = "check_in") -> str:
    quoted = where.replace("'", "''")
    return f"id: {id}, on: {on}, count: {count}, where: '{quoted}'"


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> Rehearsed:
    desk = Rehearsed(store, clock)
    desk.joins("lee")
    return desk


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every condition that was asked, in order."""
    asked: list[str] = []
    fits = Condition.fits

    def counted(self: Condition, facts: Any) -> bool:
        asked.append(self.text)
        return fits(self, facts)

    monkeypatch.setattr(Condition, "fits", counted)
    return asked


def test_a_condition_that_no_act_fits_is_given_up(desk: Rehearsed, asked: list[str]) -> None:
    """A hundred numbers, sixty words, eighty acts: looked for once, and not for long."""
    played = desk.simulated(awaits("one", goal("never", NEVER, count=80)))

    assert len(asked) == TRIES_MAX
    assert (played.acts, played.cannot) == ((), ("never",))


def test_many_such_conditions_share_what_a_simulation_may_try(
    desk: Rehearsed, asked: list[str]
) -> None:
    """Ten goals in each of four waits."""
    goals = [goal(f"g{n}", f"{NEVER} && event.store != 'x{n}'") for n in range(10)]

    desk.simulated(*(awaits(f"w{n}", *goals, within="P3D") for n in range(4)))

    assert len(asked) == TRIES_IN_ALL


def test_a_number_that_stands_there_often_is_tried_once(desk: Rehearsed, asked: list[str]) -> None:
    """100 and 101, and the usual sum."""
    many = " || ".join(["event.amount_minor == 100"] * 40)

    desk.simulated(awaits("one", goal("never", f"({many}) && event.store != ''")))

    assert len(asked) == 3


def test_acts_after_the_end_are_not_looked_for(desk: Rehearsed, asked: list[str]) -> None:
    """The wait begins on the 89th day and its act would be on the 90th: nobody will see it."""
    played = desk.simulated("  - wait: P89D", awaits("late", goal("never", NEVER)))

    assert [decision.step_id for decision in played.decisions][-1] == "late"
    assert (asked, played.acts, played.cannot) == ([], (), ())


def test_each_act_of_a_goal_is_the_one_that_was_found(desk: Rehearsed) -> None:
    """Three purchases of the sum that the goal asks, a day apart."""
    played = desk.simulated(
        awaits("three", goal("big", "event.amount_minor >= 12300", count=3, on="purchase"))
    )

    assert [act.amount_minor for act in played.acts] == [12_300] * 3
    days = {(act.occurred_at - played.start).days for act in played.acts}
    assert (days, played.cannot) == ({1, 2, 3}, ())


def test_more_acts_than_anybody_would_look_at_are_not_assumed(desk: Rehearsed) -> None:
    """Two thousand check-ins in a month are named as what cannot be assumed; the rest is played."""
    few = goal("few", "event.store == 'riverside'", count=3)
    many = [f"id: many{n}, on: check_in, count: 1000" for n in range(2)]

    played = desk.simulated(awaits("month", *many, few, within="P30D"))

    assert played.cannot == ("many0", "many1")
    assert len(played.acts) == 3 < ACTS_MAX
