"""What an estimate before launch is counted from: the audience now, the door's rate, earlier runs.

Of a large programme some members are asked, and of many who joined some, so that an estimate costs
the same in a programme of any size and age.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, literal, select

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
from storage.tables import campaigns, enrolments, inbox, members

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
            counting = Counting(connection, self._programme, now)
            if on is not None:
                each = _entries_each(on, _runs_each(rules.reentry), since)
                counting = replace(counting, entries=each)
            size = counting.size(rules.audience)
            entries = size.entries if on is not None else None
            if on == "member.registered":
                # Nobody's facts of today are those with which they stood at the door.
                entries = newcomers(connection, self._programme, rules.audience, since, now)
            return EstimateFacts(size, entries, _past(connection, campaign_id, rules.template))


def _entries_each(on: str, most: int, since: datetime) -> ColumnElement[int]:
    """How often the events that open a campaign would have let a member in since then."""
    mine = (
        select(literal(1))
        .where(inbox.c.member_id == members.c.id, inbox.c.type == on, inbox.c.occurred_at > since)
        .limit(most)
        .correlate(members)
        .subquery()
    )
    return select(func.count()).select_from(mine).correlate(members).scalar_subquery()


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
