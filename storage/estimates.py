"""What an estimate before launch is counted from: the audience now, the door's rate, earlier runs.

Every figure is a count in SQL; how far back events are looked through is bounded, so that an
estimate costs the same in a programme of any age.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, func, not_, or_, select

from loyalty.admission import compiled
from loyalty.estimate import RATE_DAYS, EstimateFacts, PastRuns
from loyalty.journeys.compiled import Compiled, EnterOnEvent, Reentry
from loyalty.journeys.cost import most_points
from loyalty.ports import Clock
from loyalty.programme import CHANNELS, Channel, Programme
from storage.audiences.counting import Counting
from storage.audiences.sampling import one_in, step_of
from storage.campaigns import version_of
from storage.database import Database
from storage.tables import campaigns, consents, enrolments, inbox, members

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
        with self._database.read() as connection:
            counting = Counting(connection, self._programme, now)
            size = counting.size(rules.audience)
            everybody = counting.size(None).count if rules.audience else size.count
            return EstimateFacts(
                size=size,
                service=_service(connection, size.count),
                entries=_entries(connection, rules, now, size.count, everybody),
                past=_past(connection, campaign_id, rules.template),
            )


def _service(connection: Connection, audience: int) -> Mapping[Channel, int]:
    """Whom of the audience service messages may reach: who is not on the stop list and has not said
    no. Of the whole membership, taken for the audience by its share.
    """
    some = one_in(step_of(connection, in_rows=False))
    active = members.c.status == "active"
    free = and_(active, not_(members.c.stop_listed))
    mail = and_(members.c.email.is_not(None), members.c.email != "")
    counts = select(
        func.count().filter(active), func.count().filter(free), func.count().filter(free, mail)
    ).where(some)
    everybody, reached, by_mail = connection.execute(counts).one()
    no = (
        select(consents.c.channel, func.count())
        .join(members, members.c.id == consents.c.member_id)
        .where(consents.c.purpose == "service", consents.c.granted.is_(False), free, some)
        .where(or_(consents.c.channel != "email", mail))
        .group_by(consents.c.channel)
    )
    refused = {row[0]: row[1] for row in connection.execute(no)}
    share = audience / everybody if everybody else 0.0
    return {
        channel: round(
            ((by_mail if channel == "email" else reached) - refused.get(channel, 0)) * share
        )
        for channel in CHANNELS
    }


def _entries(
    connection: Connection, rules: Compiled, now: datetime, audience: int, everybody: int
) -> int | None:
    """How many entries the event that opens the campaign would have brought in the last
    `RATE_DAYS` days: no more of a member than may enter again, and of all by the audience's share.
    """
    if not isinstance(rules.enter, EnterOnEvent):
        return None
    share = audience / everybody if everybody else 0.0
    since = now - timedelta(days=RATE_DAYS)
    if rules.enter.on == "member.registered":
        joined = select(func.count()).where(
            members.c.registered_at > since, members.c.registered_at <= now
        )
        return round(int(connection.execute(joined).scalar_one()) * share)
    last = connection.execute(select(func.max(inbox.c.seq))).scalar_one() or 0
    latest = inbox.c.seq > last - EVENTS_MAX
    each = (
        select(func.count().label("events"))
        .where(latest, inbox.c.type == rules.enter.on, inbox.c.occurred_at > since)
        .group_by(inbox.c.member_id)
        .subquery()
    )
    most = _runs_each(rules.reentry)
    counted = case((each.c.events > most, most), else_=each.c.events)
    entries = int(connection.execute(select(func.sum(counted))).scalar_one() or 0) * share
    first = select(inbox.c.recorded_at).where(latest).order_by(inbox.c.seq).limit(1)
    began = connection.execute(first).scalar_one_or_none()
    if last > EVENTS_MAX and began is not None and began > since:
        covered: timedelta = now - began
        entries *= timedelta(days=RATE_DAYS) / covered
    return min(round(entries), most * audience)


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
