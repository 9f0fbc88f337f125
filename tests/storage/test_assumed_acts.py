"""What a simulation assumes is looked for within bounds, whatever a condition's text may be."""

from typing import Any

import pytest

from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.conditions import Condition
from loyalty.journeys.load import load_texts
from loyalty.rehearsal import calendar
from loyalty.revising import revise
from loyalty.simulation.assumptions import TRIES_IN_ALL, TRIES_MAX, Assumption
from loyalty.simulation.play import ACTS_MAX, Simulation
from loyalty.templates import Template
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock
from tests.stories import SHANGHAI

NOTHING = Assumption(kind="nothing")
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


def hostile(*steps: str, enter: str = "once") -> Template:
    head = HEAD.replace("enter: once", f"enter: {enter}")
    return load_texts("hostile", {"campaign.yaml": head + "\n".join(steps)})


class Rehearsed(FrontDesk):
    """A front desk with a campaign that is looked at."""

    def simulated(self, *steps: str) -> Simulation:
        template = hostile(*steps)
        request = CampaignRequest(
            id="hostile", name="Hostile", template="hostile", holdout_percent=0
        )

        def work(tx: Any) -> None:
            campaigns.draft(tx, template, request, "mia", lambda made: ())

        self.store.run(work)
        return self.looked_at("lee", EVERYTHING)

    def looked_at(self, member_id: str, assumption: Assumption) -> Simulation:
        return self.store.read(lambda tx: calendar(tx, "hostile", None, member_id, assumption))[1]


def reasons(played: Simulation) -> list[str]:
    return [decision.reason for decision in played.decisions]


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


def test_acts_that_count_once_a_day_use_every_day_that_the_wait_touches(desk: Rehearsed) -> None:
    """Two days from eight in the evening on touch three days: a check-in on each of them."""
    once = "id: daily, on: check_in, once_per: day"

    three = desk.simulated(awaits("short", f"{once}, count: 3", within="P2D"))

    local = {act.occurred_at.astimezone(SHANGHAI).date() for act in three.acts}
    assert (len(local), three.cannot) == (3, ())
    assert "goal_met" in reasons(three)


def test_a_goal_that_asks_for_more_days_than_the_wait_has_is_named(desk: Rehearsed) -> None:
    """Four evenings do not fit into two days, and nobody is told that they would."""
    once = "id: daily, on: check_in, once_per: day"

    four = desk.simulated(awaits("short", f"{once}, count: 4", within="P2D"))

    assert (four.acts, four.cannot) == ((), ("daily",))


# --- a preview and what then happens ---------------------------------------------------------


def test_whoever_waits_already_is_rewarded_at_the_act_and_not_at_the_deadline(
    desk: Rehearsed, clock: StillClock
) -> None:
    """Looked at in the midst of a wait: the purchase of the third day gives its points that day."""
    wait = "  - await: {on: purchase, within: P30D, reward: [{grant: 100}]}"
    desk.launch_texts(hostile(wait, enter="{on: member.registered}"))
    desk.joins("mo")
    desk.take_turns("mo")

    for assumed in (Assumption(kind="purchase", day=3), EVERYTHING):
        played = desk.looked_at("mo", assumed)

        (gift,) = [each for each in played.credits if each.kind == "grant"]
        assert (gift.at, gift.points) == (played.acts[0].occurred_at, 100)


def test_whoever_is_under_way_is_shown_the_version_they_entered_with(desk: Rehearsed) -> None:
    """Since then the campaign gives more, to the inviter too: to whoever enters from now on."""

    def made(reward: str) -> Template:
        wait = f"{{on: purchase, within: P30D, reward: [{reward}]}}"
        return hostile(f"  - {{id: buys, await: {wait}}}", enter="{on: member.registered}")

    desk.launch_texts(made("{grant: 100}, {grant: {points: 50, to: inviter}}"))
    desk.joins("mo", invited_by="lee")
    desk.take_turns("mo")
    richer = made("{grant: 900}, {grant: {points: 700, to: inviter}}")
    wish = CampaignRequest(id="hostile", name="hostile", template="hostile", holdout_percent=0)
    desk.store.run(lambda tx: revise(tx, wish, "mia", lambda made: (), move_to=richer))

    for assumed in (Assumption(kind="purchase", day=3), EVERYTHING):
        played = desk.looked_at("mo", assumed)

        given = [(each.member_id, each.points) for each in played.credits if each.kind == "grant"]
        assert given == [("mo", 100), ("lee", 50)]
    earned = desk.buys("mo", "r1", ("grocery", 10_000))["points"]
    desk.take_turns("mo")
    assert (desk.balance("mo").posted, desk.balance("lee").posted) == (earned + 100, 50)


def test_what_is_owed_takes_its_part_of_what_a_preview_gives(
    desk: Rehearsed, clock: StillClock
) -> None:
    """300 owed, 500 given: whoever has 400 points goes one way, and this member the other."""
    desk.joins("mo")
    desk.buys("mo", "r1", ("grocery", 300_000))
    desk.store.run(lambda tx: tx.ledger.burn("spent", "mo", 300))
    desk.returns("r1")
    rich = "  - {branch: member.points >= 400, then: [{id: rich, tag: rich}]}"
    desk.launch_texts(hostile("  - grant: 500", rich, enter="api"))

    played = desk.looked_at("mo", NOTHING)
    desk.store.run(lambda tx: campaigns.enrol(tx, "hostile", "mo", "once", "mia"))
    desk.take_turns("mo")

    assert desk.balance("mo").available == 200
    assert "rich" not in [decision.step_id for decision in played.decisions]
    assert "rich" not in desk.member("mo").tags


def test_an_assumed_purchase_is_spend_also_of_who_never_bought(desk: Rehearsed) -> None:
    """The first purchase of their life opens the way of those who spent 100 yuan."""
    desk.joins("mo")
    spent = 'member.spend_within["30"] >= 10000'
    branch = f"  - {{branch: '{spent}', then: [{{id: bought, tag: bought}}]}}"
    desk.launch_texts(hostile(awaits("first", "id: any, on: purchase"), branch, enter="api"))

    played = desk.looked_at("mo", Assumption(kind="purchase", day=1))

    assert "bought" in [decision.step_id for decision in played.decisions]
