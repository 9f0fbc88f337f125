"""What an estimate before launch is counted from: the audience now, the door's rate, earlier runs.

Every figure is a count in SQL; how far back events are looked through is bounded, so that an
estimate costs the same in a programme of any age.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Connection, Subquery, case, func, select

from loyalty.admission import compiled
from loyalty.estimate import RATE_DAYS, EstimateFacts, PastRuns
from loyalty.journeys.compiled import Compiled, EnterOnEvent, Reentry
from loyalty.journeys.cost import most_points
from loyalty.ports import Clock
from loyalty.programme import Programme
from storage.audiences.counting import Counting
from storage.audiences.newcomers import newcomers
from storage.campaigns import version_of
from storage.database import Database
from storage.tables import campaigns, enrolments, inbox

EVENTS_MAX = 200_000
"""Events looked through for a rate; in a busier programme they stand for the days they cover."""
PAST_MAX = 5
"""Earlier campaigns of the template that are looked at, the latest first."""


class SqlEstimates:
    """Each call is one snapshot; use from any thread."""

    def __init__(self, database: Database, clock: Clock, programme: Programme) -> None:
        self._database = database
        self._clock = clock
        self._programme = programme

    def facts(self, campaign_id: str, rules: Compiled) -> EstimateFacts:
        """What the campaign would meet if it were launched now."""
        now = self._clock.now()
        since = now - timedelta(days=RATE_DAYS)
        on = rules.enter.on if isinstance(rules.enter, EnterOnEvent) else None
        with self._database.read() as connection:
            counting, entries = Counting(connection, self._programme, now), None
            if on == "member.registered":
                # Nobody's facts of today are those with which they stood at the door.
                entries = newcomers(connection, self._programme, rules.audience, since, now)
                size = counting.size(rules.audience)
            elif on is not None:
                opening = _Opening.seen(connection, rules, on, since, now)
                size = replace(counting, entering=opening.each).size(rules.audience)
                most = opening.most_each * size.count
                entries = min(round(size.entries / opening.covered), most)
            else:
                size = counting.size(rules.audience)
            return EstimateFacts(size, entries, _past(connection, campaign_id, rules.template))


@dataclass(frozen=True, slots=True)
class _Opening:
    """The events that open a campaign, by member: no more of each than may enter again."""

    each: Subquery  # member_id, entries
    most_each: int
    covered: float  # the part of `RATE_DAYS` that was looked through

    @classmethod
    def seen(
        cls, connection: Connection, rules: Compiled, on: str, since: datetime, now: datetime
    ) -> Self:
        last = connection.execute(select(func.max(inbox.c.seq))).scalar_one() or 0
        latest = inbox.c.seq > last - EVENTS_MAX
        most, events = _runs_each(rules.reentry), func.count()
        each = (
            select(inbox.c.member_id, case((events > most, most), else_=events).label("entries"))
            .where(latest, inbox.c.type == on, inbox.c.occurred_at > since)
            .group_by(inbox.c.member_id)
            .subquery()
        )
        first = select(inbox.c.recorded_at).where(latest).order_by(inbox.c.seq).limit(1)
        began = connection.execute(first).scalar_one_or_none()
        if last <= EVENTS_MAX or began is None or began <= since:
            return cls(each, most, 1.0)
        return cls(each, most, (now - began) / (now - since))


def _runs_each(reentry: Reentry) -> int:
    """How often one member can enter within `RATE_DAYS` days."""
    if reentry.after is None:
        return 1
    pause = timedelta(
        days=30 * reentry.after.months + reentry.after.days, seconds=reentry.after.seconds
    )
    return 1 + timedelta(days=RATE_DAYS) // max(pause, timedelta(minutes=1))


def _past(connection: Connection, campaign_id: str, template: str) -> list[PastRuns]:
    """What the latest other campaigns of the template gave, by their own counters."""
    c, e = campaigns.c, enrolments.c
    latest = (
        select(c.id, c.granted_points)
        .where(c.template == template, c.launched_at.is_not(None), c.id != campaign_id)
        .order_by(c.launched_at.desc())
        .limit(PAST_MAX)
    )
    found = []
    for id, granted in connection.execute(latest).all():
        by_version = (
            select(e.version, func.count())
            .where(e.campaign_id == id, e.arm == "treated")
            .group_by(e.version)
        )
        counts = connection.execute(by_version).all()
        runs = sum(count for _, count in counts)
        if runs:
            most = sum(count * _most(connection, id, number) for number, count in counts)
            found.append(PastRuns(id, runs, most // runs, granted))
    return found


def _most(connection: Connection, campaign_id: str, version: int) -> int:
    return most_points(compiled(version_of(connection, campaign_id, version)).plan)
