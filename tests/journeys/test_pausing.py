"""Pausing, resuming and stopping at any moment: nobody is lost, nothing is doubled."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from loyalty.errors import WrongState
from tests.stories import FIRST_DAY, SHANGHAI, Told

JANUARY_END = datetime(2027, 1, 31, 20, 0, tzinfo=SHANGHAI)
SEED = 20270104
PAUSED, STOPPED = 3, 2
BUDGET = 100_000
DAY = 24.0

Act = Callable[[Told, str, dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Script:
    """What a group's members do, in hours from the start, and where a pause crosses no deadline."""

    template: str
    starts: datetime
    quiet: Sequence[tuple[float, float]]
    acts: Sequence[tuple[float, Act]]
    ends: float
    before: Act | None = None  # done before the launch
    values: dict[str, Any] = field(default_factory=dict)
    budget: bool = True


async def _joins(told: Told, g: str, kept: dict[str, Any]) -> None:
    await told.joins(f"ann-{g}")  # not of the group's audience
    await told.joins(f"lee-{g}", tags=[g], invited_by=f"ann-{g}")


async def _member(told: Told, g: str, kept: dict[str, Any]) -> None:
    await told.joins(f"lee-{g}", tags=[g])


async def _sleeper(told: Told, g: str, kept: dict[str, Any]) -> None:
    await told.joins(f"lee-{g}", tags=[g])
    await told.buys(f"lee-{g}", at=told.clock.now() - timedelta(days=95))


async def _buys(told: Told, g: str, kept: dict[str, Any]) -> None:
    kept["bought"] = await told.buys(f"lee-{g}")


async def _returns(told: Told, g: str, kept: dict[str, Any]) -> None:
    await told.returns(kept["bought"])


async def _checks_in(told: Told, g: str, kept: dict[str, Any]) -> None:
    await told.does(f"lee-{g}", "check_in")


async def _rich(told: Told, g: str, kept: dict[str, Any]) -> None:
    await told.joins(f"lee-{g}", tags=[g])
    await told.has(f"lee-{g}", 4000)


async def _claims(told: Told, g: str, kept: dict[str, Any]) -> None:
    kept["claim"] = await told.claims(f"lee-{g}", kept["campaign"])


async def _confirms(told: Told, g: str, kept: dict[str, Any]) -> None:
    await told.confirms(kept["claim"])


SCRIPTS = [
    Script(
        template="new_member_bonus",
        starts=FIRST_DAY,
        quiet=[(0, 8), (2, 5 * DAY), (5 * DAY + 2, 7 * DAY), (7 * DAY + 2, 12 * DAY)],
        acts=[(1, _joins), (10 * DAY, _buys)],
        ends=13 * DAY,
    ),
    Script(
        template="monthly_task_pack",
        starts=JANUARY_END,
        quiet=[(1, 20), (14, 14 * DAY), (14 * DAY + 16, 27 * DAY), (28 * DAY + 5, 31 * DAY)],
        before=_member,
        acts=[
            (2 * DAY, _buys),
            (4 * DAY, _buys),
            (6 * DAY, _returns),
            (8 * DAY, _buys),
            (16 * DAY, _checks_in),
            (18 * DAY, _checks_in),
        ],
        ends=31 * DAY + 5,
        values={"purchases": 2, "check_ins": 3},
    ),
    Script(
        template="dormant_wake_up",
        starts=FIRST_DAY - timedelta(hours=1),
        quiet=[(0, 10), (2, 7 * DAY), (7 * DAY + 12, 13 * DAY)],
        before=_sleeper,
        acts=[(10 * DAY, _buys)],
        ends=11 * DAY,
        budget=False,
    ),
    Script(
        template="limited_time_exchange",
        starts=FIRST_DAY,
        quiet=[(1, DAY), (DAY + 1, 2 * DAY), (2 * DAY, 50), (51, 66), (66, 72)],
        before=_rich,
        acts=[(50, _claims), (50.2, _confirms)],
        ends=73,
        values={
            "opens_at": (FIRST_DAY + timedelta(hours=48)).isoformat(),
            "closes_at": (FIRST_DAY + timedelta(hours=72)).isoformat(),
            "per_member": 2,
        },
        budget=False,
    ),
]


@pytest.mark.parametrize(
    ("script", "starts"), [(s, s.starts) for s in SCRIPTS], ids=[s.template for s in SCRIPTS]
)
async def test_paused_or_stopped_at_any_moment(told: Told, script: Script) -> None:
    """The same members and acts, once undisturbed, thrice with a pause, twice stopped.

    A pause between two deadlines changes nothing. What came and went while it lasted is seen for
    what is left of it at the end: the same points, and no message that others were not told.
    """
    draw = Random(f"{SEED} {script.template}")
    cuts = {f"p{n}": _cut(draw, script, n) for n in range(PAUSED)}
    stops = {f"s{n}": draw.uniform(1, script.ends) for n in range(STOPPED)}
    campaigns = await _play(told, script, cuts, stops)

    reference = await _effects(told, "r", campaigns["r"])
    assert reference
    for g, (start, end) in cuts.items():
        effects, said = await _effects(told, g, campaigns[g]), f"{g} {start:.1f}-{end:.1f}"
        if any(start <= at <= end for at, _ in script.acts):
            assert effects <= reference, said
        else:
            assert effects == reference, said
        assert await told.balance(f"lee-{g}") == await told.balance("lee-r"), said
        assert await _outcomes(told, g, campaigns[g]) == await _outcomes(told, "r", campaigns["r"])
    for g in stops:
        row = await told.campaign(campaigns[g])
        assert (row.state, row.reserved_points) == ("stopped", 0)
        runs = await told.enrolments(f"lee-{g}", campaigns[g])
        assert all(run.state == "ended" for run in runs)
        assert row.granted_points == sum(run.granted_points for run in runs)
        assert await _effects(told, g, campaigns[g]) <= reference
    await told.books_balance()


def _cut(draw: Random, script: Script, n: int) -> tuple[float, float]:
    """A pause within one quiet stretch, a different one for each group while there are enough."""
    stretch = script.quiet[n % len(script.quiet)] if n else draw.choice(script.quiet)
    start, end = sorted(draw.uniform(*stretch) for _ in range(2))
    return start, end


async def _play(
    told: Told,
    script: Script,
    cuts: dict[str, tuple[float, float]],
    stops: dict[str, float],
) -> dict[str, str]:
    """Launch a campaign for each group and let all of them act at the same hours."""
    groups = ["r", *cuts, *stops]
    campaigns: dict[str, str] = {}
    kept: dict[str, dict[str, Any]] = {g: {} for g in groups}
    for g in groups:
        if script.before:
            await script.before(told, g, kept[g])
        budget: dict[str, Any] = {"budget_points": BUDGET} if script.budget else {}
        campaigns[g] = kept[g]["campaign"] = await told.launch(
            script.template,
            id=f"{told.prefix}-{g}",
            audience=f'"{g}" in member.tags',
            values=script.values,
            **budget,
        )
    for hours, what, g, act in sorted(_plan(script, groups, cuts, stops), key=lambda p: p[:3]):
        await told.until(script.starts + timedelta(hours=hours))
        if what == "acts" and act is not None:
            if g in stops and stops[g] < hours and act in (_claims, _confirms):
                continue  # there is nothing to claim any more
            await act(told, g, kept[g])
        elif what != "acts":
            await getattr(told, what)(campaigns[g])
    await told.until(script.starts + timedelta(hours=script.ends))
    return campaigns


def _plan(
    script: Script,
    groups: Sequence[str],
    cuts: dict[str, tuple[float, float]],
    stops: dict[str, float],
) -> list[tuple[float, str, str, Act | None]]:
    plan: list[tuple[float, str, str, Act | None]] = []
    plan += [(at, "acts", g, act) for at, act in script.acts for g in groups]
    plan += [(start, "pause", g, None) for g, (start, _) in cuts.items()]
    plan += [(end, "resume", g, None) for g, (_, end) in cuts.items()]
    plan += [(at, "stop", g, None) for g, at in stops.items()]
    return plan


async def _effects(told: Told, g: str, campaign: str) -> Counter[tuple[str, ...]]:
    """What a group's member was given, told, and had taken back, each with its step."""
    found: Counter[tuple[str, ...]] = Counter()
    for decision in await told.decisions(f"lee-{g}", campaign):
        if decision.step_id == "entry":
            continue
        for what in ("message", "points", "multiplier_bp"):
            if what in decision.inputs:
                undone = "undone" if decision.verdict == "reversed" else ""
                found[decision.step_id, what, str(decision.inputs[what]), undone] += 1
                break
    return found


async def _outcomes(told: Told, g: str, campaign: str) -> list[tuple[str, str | None]]:
    return [(run.entry_key, run.outcome) for run in await told.enrolments(f"lee-{g}", campaign)]


async def test_what_is_over_can_be_neither_resumed_nor_paused(told: Told) -> None:
    """A stopped campaign stays stopped; a running one is not resumed."""
    bonus = await told.launch("new_member_bonus")
    with pytest.raises(WrongState):
        await told.resume(bonus)
    await told.stop(bonus)

    for act in (told.pause, told.resume, told.stop):
        with pytest.raises(WrongState):
            await act(bonus)


async def test_a_deadline_that_passed_in_a_pause_is_kept_to(told: Told) -> None:
    """Paused from day 20 to day 40: the first order was due on day 30, and its uploads by 33."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")
    await told.joins("kim")
    await told.days(20)
    await told.pause(bonus)
    await told.days(5)
    await told.buys("kim")
    await told.days(15)
    await told.resume(bonus)

    assert await told.outcome("lee", bonus) == "no_order"
    assert await told.outcome("kim", bonus) == "ordered"


async def test_of_reminders_that_fell_due_in_a_pause_the_last_is_sent(told: Told) -> None:
    """Resumed on day 11, nobody is told that a card of day 7 ends in two days."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")
    await told.days(1)
    await told.pause(bonus)
    await told.days(10)
    await told.resume(bonus)
    await told.days(1)

    assert await told.messages("lee") == ["welcome", "card_expired"]


@pytest.mark.parametrize("starts", [JANUARY_END])
async def test_a_month_that_passed_during_a_pause_is_not_begun_any_more(told: Told) -> None:
    """Paused in January, resumed on the 5th of March: March's pack, at once; none for February."""
    pack = await told.launch("monthly_task_pack")
    await told.joins("lee")
    await told.pause(pack)
    await told.until(datetime(2027, 3, 5, 12, 0, tzinfo=SHANGHAI))
    await told.resume(pack)

    march = await told.enrolment("lee", pack)
    assert march.entry_key == "2027-03"
    assert march.position.until == datetime(2027, 4, 1, tzinfo=SHANGHAI)
    await told.until(datetime(2027, 4, 1, 9, 0, tzinfo=SHANGHAI))

    entered = [e.entry_key for e in await told.enrolments("lee", pack)]
    assert entered == ["2027-03", "2027-04"]


@pytest.mark.parametrize("starts", [JANUARY_END])
async def test_a_month_that_began_during_a_pause_is_begun_late(told: Told) -> None:
    """Resumed on the 10th of February, and what was done since the 1st counts."""
    pack = await told.launch("monthly_task_pack", values={"purchases": 2})
    await told.joins("lee")
    await told.pause(pack)
    for day in (3, 8):
        await told.until(datetime(2027, 2, day, 12, 0, tzinfo=SHANGHAI))
        await told.buys("lee")
    await told.until(datetime(2027, 2, 10, 12, 0, tzinfo=SHANGHAI))
    await told.resume(pack)

    run = await told.enrolment("lee", pack)
    assert (run.entry_key, run.granted_points) == ("2027-02", 1000)
    assert run.position.until == datetime(2027, 3, 1, tzinfo=SHANGHAI)


async def test_a_paused_campaign_can_be_stopped(told: Told) -> None:
    """Whoever was held ends, whoever was at the door too, and the budget is free."""
    bonus = await told.launch("new_member_bonus", budget_points=10_000)
    await told.joins("lee")
    await told.pause(bonus)
    await told.joins("kim")

    await told.stop(bonus)

    assert [await told.outcome(name, bonus) for name in ("lee", "kim")] == ["stopped", "stopped"]
    row = await told.campaign(bonus)
    assert (row.granted_points, row.reserved_points) == (500, 0)
    assert await told.points("kim") == 0
