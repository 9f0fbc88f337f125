"""What an estimate before launch is counted from: the audience now, the door's rate, earlier runs.

Every figure is a count in SQL; how far back events are looked through is bounded, so that an
estimate costs the same in a programme of any age.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, not_, or_, select

from loyalty.admission import compiled
from loyalty.estimate import RATE_DAYS, EstimateFacts, PastRuns
from loyalty.journeys.compiled import Compiled, EnterOnEvent
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
            size = Counting(connection, self._programme, now).size(rules.audience)
            return EstimateFacts(
                size=size,
                service=_service(connection, size.count),
                events=_events(connection, rules, now),
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


def _events(connection: Connection, rules: Compiled, now: datetime) -> int | None:
    """How often the event that opens the campaign came in the last `RATE_DAYS` days."""
    if not isinstance(rules.enter, EnterOnEvent):
        return None
    since = now - timedelta(days=RATE_DAYS)
    if rules.enter.on == "member.registered":
        joined = select(func.count()).where(
            members.c.registered_at > since, members.c.registered_at <= now
        )
        return int(connection.execute(joined).scalar_one())
    last = connection.execute(select(func.max(inbox.c.seq))).scalar_one() or 0
    latest = inbox.c.seq > last - EVENTS_MAX
    count = select(func.count()).where(
        latest, inbox.c.type == rules.enter.on, inbox.c.occurred_at > since
    )
    events = int(connection.execute(count).scalar_one())
    first = select(inbox.c.recorded_at).where(latest).order_by(inbox.c.seq).limit(1)
    began = connection.execute(first).scalar_one_or_none()
    if last <= EVENTS_MAX or began is None or began <= since:
        return events
    covered: timedelta = now - began
    return round(events * (timedelta(days=RATE_DAYS) / covered))


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
