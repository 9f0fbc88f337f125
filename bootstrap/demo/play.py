"""The play: day by day, what the tills saw goes in over the API, and programme time passes."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bootstrap.clock import FileClock
from bootstrap.demo.campaigns import Claims, launch, takers
from bootstrap.demo.cast import Cast, Event, Happening, Person
from bootstrap.demo.data import ZONE
from bootstrap.demo.till import Api
from bootstrap.timetravel import Timetravel

UPLOADS = (12, 18, 24)
"""Hours at which the tills have uploaded what they saw so far."""


@dataclass
class Tally:
    """What was played."""

    days: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    replayed: int = 0
    upload_seconds: float = 0.0
    bought: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    refunds: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)


Show = Callable[[datetime, Tally], None]


@dataclass
class Play:
    people: Cast
    clock: FileClock
    travel: Timetravel
    shop: Api
    marketer: Api
    starts: datetime
    tally: Tally = field(default_factory=Tally)
    claims: Claims = field(default_factory=Claims)
    buyers: dict[str, str] = field(default_factory=dict)
    _joined: int = 0
    _told: int = 0

    async def prologue(self) -> None:
        """What was before: members of old, with their receipts."""
        self.clock.set(self.starts)
        await self._upload(self.starts)

    async def launch(self) -> None:
        """The marketer launches the campaigns; their workflows start."""
        await launch(self.marketer)
        await self.travel.settle()

    async def day(self, midnight: datetime, show: Show) -> None:
        """One day: time passes to each upload, and with it every wait that ends on the way."""
        since = self.clock.now()
        for hour in UPLOADS:
            until = _wall(midnight, hour)
            for at, member in takers(self.people, since, until):
                await self.travel.advance_to(at)
                await self.claims.take(self.shop, member)
            await self.travel.advance_to(until)
            await self._upload(until)
            since = until
            show(until, self.tally)
        self.tally.days += 1

    async def rest(self, until: datetime) -> None:
        """Let what the last day set going come to rest."""
        await self.travel.advance_to(until)

    async def _upload(self, until: datetime) -> None:
        """Tell the programme what happened until now, in order."""
        began = time.monotonic()
        people = self._next_people(until)
        for person in people:
            await self.shop.post("/v1/members", person.registration)
        self.tally.counts["registration"] += len(people)
        happened = self._next_happenings(until)
        results = await self.shop.record([each.event for each in happened]) if happened else []
        self.tally.upload_seconds += time.monotonic() - began
        for each, result in zip(happened, results, strict=True):
            self._note(each, result)

    def _next_people(self, until: datetime) -> tuple[Person, ...]:
        people = self.people.members[self._joined :]
        coming = tuple(each for each in people if each.joins <= until)
        self._joined += len(coming)
        return coming

    def _next_happenings(self, until: datetime) -> tuple[Happening, ...]:
        waiting = self.people.happenings[self._told :]
        coming = tuple(each for each in waiting if each.told <= until)
        self._told += len(coming)
        return coming

    def _note(self, happening: Happening, result: dict[str, Any]) -> None:
        event = happening.event
        if result["status"] == 200:
            self.tally.replayed += 1
            return
        self.tally.counts[event["type"]] += 1
        if event["type"] == "purchase":
            amount = sum(line["net_minor"] for line in event["lines"])
            at = datetime.fromisoformat(event["occurred_at"])
            self.tally.bought.setdefault(event["member_id"], []).append((at, amount))
            self.buyers[event["id"]] = event["member_id"]
        elif event["type"] == "refund":
            self._note_refund(event, result["answer"])

    def _note_refund(self, event: Event, answer: dict[str, Any]) -> None:
        at = datetime.fromisoformat(event["occurred_at"])
        if at < self.starts:
            return
        said = (
            f"The till refunded ${answer['amount_minor'] / 100:,.2f}: "
            f"{answer['points_reversed']:,} points of that receipt were taken back."
        )
        self.tally.refunds.setdefault(self.buyers[event["purchase_id"]], []).append((at, said))


def _wall(midnight: datetime, hour: int) -> datetime:
    """An hour of a day on the wall; hour 24 is the next midnight."""
    day = midnight.replace(tzinfo=None) + timedelta(hours=hour)
    return day.replace(tzinfo=ZONE)
