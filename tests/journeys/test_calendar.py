"""The calendar a marketer is shown is the journey a member then has: step by step, to the instant.

Each template is simulated for members who do nothing, who buy once, and who do all that is wanted;
then the same members live it, in a real run with every wait at its full length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.journeys.load import load_named
from loyalty.members import Member
from loyalty.records import InboxEvent
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.play import Simulation, simulate
from tests.stories import SHANGHAI, TEMPLATES, Told

NOTHING = Assumption(kind="nothing")
EVERYTHING = Assumption(kind="everything")
ALMOST = Assumption(kind="everything", almost=True)


def buys_on_day(day: int, minor: int = 10_000) -> Assumption:
    return Assumption(kind="purchase", day=day, minor=minor)


@dataclass
class Calendars:
    """A drafted campaign, simulated and then lived."""

    told: Told

    async def drafts(self, template: str, **values: Any) -> None:
        request = CampaignRequest(
            id=self.campaign, name="Looked at", template=template, values=values, holdout_percent=0
        )
        read = load_named(TEMPLATES, template)
        await self.told._run(
            lambda tx: campaigns.draft(tx, read, request, "marketer", lambda made: ())
        )

    async def launches(self) -> None:
        await self.told._run(lambda tx: campaigns.launch(tx, self.campaign, 1, "marketer"))
        await self.told.settled()

    async def simulated(self, member: str | Member, assumption: Assumption) -> Simulation:
        def work(tx: Any) -> Simulation:
            campaign = tx.campaigns.get(self.campaign)
            version = tx.campaigns.version(self.campaign, 1)
            found = tx.members.get(member) if isinstance(member, str) else member
            return simulate(tx, campaign, version, found, assumption, days=90)

        return await self.told._read(work)

    async def lived(self, simulations: Sequence[Simulation]) -> None:
        """Everybody does what was assumed of them, at the assumed instants, for ninety days."""
        acts = chain.from_iterable(s.acts for s in simulations)
        for act in sorted((a for a in acts if a.source == "assumed"), key=lambda a: a.occurred_at):
            await self.told.until(act.occurred_at)
            await self.does(act)
        await self.told.until(simulations[0].end - timedelta(seconds=1))

    async def does(self, act: InboxEvent) -> None:
        if not act.event_id.startswith("a"):
            return  # what opens a journey is the member's joining
        name = act.member_id.removeprefix(f"{self.told.prefix}-")
        if act.type == "purchase":
            minor = act.amount_minor or 0
            yuan = f"{minor // 100}.{minor % 100:02}"
            await self.told.buys(name, yuan, store=act.store or "riverside")
        else:
            await self.told.does(name, act.type, **act.body["attributes"])

    async def agrees(self, name: str, simulation: Simulation) -> None:
        """What was decided about the member is what was simulated: each step, verdict, instant."""
        real = await self.told.decisions(name, self.campaign)
        assert _steps(simulation.decisions) == _steps(real)
        assert _turned_away(simulation.decisions) == _turned_away(real)
        granted = sum(c.points for c in simulation.credits if c.member_id.endswith(f"-{name}"))
        before = self.had.get(name, 0)
        assert await self.told.points(name) == before + granted

    def __post_init__(self) -> None:
        self.campaign = f"{self.told.prefix}-looked-at"
        self.had: dict[str, int] = {}


def _steps(decisions: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Each step of a journey, to the instant."""
    return [
        (d.at, d.step_id, d.verdict, d.reason, d.until)
        for d in decisions
        if d.verdict != "not_admitted"
    ]


def _turned_away(decisions: Sequence[Any]) -> set[str]:
    """Why the door said no. When it is asked in the very instant in which a journey ends, either
    may come first, so a pass may say so a day earlier or later.
    """
    return {d.reason for d in decisions if d.verdict == "not_admitted"}


async def test_new_member_bonus(told: Told) -> None:
    """Reminders, the card, the first order in time and too late, with and without an inviter."""
    looked = Calendars(told)
    await told.joins("ann")
    await looked.drafts("new_member_bonus")
    now = told.clock.now()
    plans = {
        "none": NOTHING,
        "soon": buys_on_day(1),
        "later": buys_on_day(12),
        "last": buys_on_day(32),
        "wanted": EVERYTHING,
        "invited": EVERYTHING,
    }
    simulated: dict[str, Simulation] = {}
    for name, assumption in plans.items():
        inviter = f"{told.prefix}-ann" if name == "invited" else None
        member = Member(f"{told.prefix}-{name}", "active", now, "en", "ordinary", (),
                        name=name.title(), inviter_id=inviter)  # fmt: skip
        simulated[name] = await looked.simulated(member, assumption)

    await looked.launches()
    for name in plans:
        await told.joins(name, **({"invited_by": "ann"} if name == "invited" else {}))
    await looked.lived(list(simulated.values()))

    for name, simulation in simulated.items():
        await looked.agrees(name, simulation)
    assert {simulation.door.verdict for simulation in simulated.values()} == {"admitted"}


async def test_dormant_wake_up(told: Told) -> None:
    """Looked for every day at ten: two messages and a card, or a purchase in either wait."""
    looked = Calendars(told)
    last = told.clock.now() - timedelta(days=100)
    plans = {"none": NOTHING, "soon": buys_on_day(2), "later": buys_on_day(9), "want": EVERYTHING}
    for name in plans:
        await told.joins(name, registered_at=last - timedelta(days=9), email=f"{name}@example.com")
        await told.buys(name, at=last)
        await told.has(name, 1000, until=told.clock.now() + timedelta(days=120))
        looked.had[name] = await told.points(name)
    await looked.drafts("dormant_wake_up", cool_down=30)
    simulated = {
        name: await looked.simulated(f"{told.prefix}-{name}", assumption)
        for name, assumption in plans.items()
    }

    await looked.launches()
    await looked.lived(list(simulated.values()))

    for name, simulation in simulated.items():
        await looked.agrees(name, simulation)


@pytest.mark.parametrize("starts", [datetime(2027, 1, 31, 20, 0, tzinfo=SHANGHAI)])
async def test_monthly_task_pack(told: Told) -> None:
    """Three months of it, each with all its tasks, with one short of each, and with none."""
    looked = Calendars(told)
    plans = {"none": NOTHING, "one": buys_on_day(5), "almost": ALMOST, "want": EVERYTHING}
    for name in plans:
        await told.joins(name)
    await looked.drafts("monthly_task_pack")
    simulated = {
        name: await looked.simulated(f"{told.prefix}-{name}", assumption)
        for name, assumption in plans.items()
    }

    await looked.launches()
    await looked.lived(list(simulated.values()))

    for name, simulation in simulated.items():
        await looked.agrees(name, simulation)
    assert not simulated["want"].cannot


async def test_limited_time_exchange(told: Told) -> None:
    """Announced, and its last hours told to who could have it: at the hours of the campaign."""
    looked = Calendars(told)
    for name, points in {"rich": 2000, "poor": 100}.items():
        await told.joins(name)
        await told.has(name, points)
        looked.had[name] = points
    opens = told.clock.now() + timedelta(days=4)
    window = {
        "opens_at": opens.isoformat(),
        "closes_at": (opens + timedelta(days=2, hours=6)).isoformat(),
    }
    await looked.drafts("limited_time_exchange", **window)
    simulated = {
        name: await looked.simulated(f"{told.prefix}-{name}", NOTHING) for name in looked.had
    }

    await looked.launches()
    await looked.lived(list(simulated.values()))

    for name, simulation in simulated.items():
        await looked.agrees(name, simulation)
    assert [said.new.message for said in simulated["rich"].messages] == ["coming", "last_hours"]
