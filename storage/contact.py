"""What the contact gate must know, for many messages in two or three statements.

The book is read once and kept up as messages are let go, so that the second message to a member in
one batch sees the first.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, bindparam, func, select, text

from loyalty.messages import ContactFacts, ContactStanding, Status
from loyalty.programme import CHANNELS, Channel, Programme, Purpose
from loyalty.timing import start_of_day
from storage.tables import consents, members, messages

GOING_OUT: tuple[Status, ...] = ("sending", "sent", "unknown")
"""What counts against caps: an unknown outcome may well have arrived."""


_PEOPLE = (
    select(
        members.c.id,
        members.c.email,
        members.c.status,
        members.c.stop_listed,
        members.c.time_zone,
        consents.c.channel,
        consents.c.purpose,
        consents.c.granted,
    )
    .select_from(members.outerjoin(consents, consents.c.member_id == members.c.id))
    .where(members.c.id.in_(bindparam("ids", expanding=True)))
)
_SENT_AT = func.coalesce(messages.c.sent_at, messages.c.claimed_at, messages.c.due_at)
_RECENT = select(messages.c.member_id, messages.c.channel, _SENT_AT.label("at")).where(
    messages.c.member_id.in_(bindparam("ids", expanding=True)),
    messages.c.purpose == "marketing",
    messages.c.status.in_(bindparam("counting", expanding=True)),
    bindparam("since") < _SENT_AT,
)


@dataclass(frozen=True, slots=True)
class Pending:
    """One message before the gate."""

    key: str
    member_id: str
    channel: Channel
    purpose: Purpose
    expires_at: datetime
    campaign_stopped: bool = False


@dataclass(slots=True)
class Person:
    email: str | None
    zone: ZoneInfo
    stop_listed: bool
    consents: dict[tuple[str, str], bool] = field(default_factory=dict)

    def address(self, channel: Channel, member_id: str) -> str | None:
        """Where the channel reaches the member; receivers of webhooks know members by id."""
        return self.email if channel == "email" else member_id


class ContactBook:
    """The members, consents, recent sends and day's sends behind a batch of messages."""

    def __init__(self, connection: Connection, programme: Programme, now: datetime) -> None:
        self._connection = connection
        self._programme = programme
        self._now = now
        self._people: dict[str, Person] = {}
        self._recent: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        self._sent_today: dict[str, int] = {}
        self._day_ends_at = start_of_day(now, programme.tz, 1)

    def read(self, pending: Sequence[Pending], counting: Sequence[Status]) -> None:
        """Read all that these messages need; `counting` = statuses that fill the cap."""
        self.read_people({p.member_id for p in pending})
        marketing = {p.member_id for p in pending if p.purpose == "marketing"}
        if marketing:
            self._read_recent(marketing, counting)
        for channel in sorted({p.channel for p in pending}):
            if channel in self._programme.contact.daily_budget:
                self._read_day(channel)

    def read_people(self, ids: Iterable[str]) -> None:
        """Read who these are and what they said, and nothing of what was sent."""
        rows = self._connection.execute(_PEOPLE, {"ids": sorted(ids)})
        for row in rows:
            person = self._people.get(row.id)
            if person is None:
                person = self._people[row.id] = Person(
                    email=row.email,
                    zone=self._zone(row.time_zone),
                    stop_listed=row.stop_listed or row.status != "active",
                )
            if row.channel is not None:
                person.consents[row.channel, row.purpose] = row.granted

    def facts(self, pending: Pending) -> ContactFacts:
        person = self._people.get(pending.member_id)
        if person is None:
            person = Person(None, self._programme.tz, stop_listed=True)
        return ContactFacts(
            key=pending.key,
            channel=pending.channel,
            purpose=pending.purpose,
            zone=person.zone,
            expires_at=pending.expires_at,
            reachable=bool(person.address(pending.channel, pending.member_id)),
            stop_listed=person.stop_listed,
            consent=person.consents.get((pending.channel, pending.purpose)),
            campaign_stopped=pending.campaign_stopped,
            sent_today=self._sent_today.get(pending.channel, 0),
            day_ends_at=self._day_ends_at,
            recent=tuple(self._recent[pending.member_id, pending.channel]),
        )

    def standing(self, member_id: str, counting: Sequence[Status]) -> ContactStanding:
        """All of it about one member; who is unknown may not be written to."""
        self.read_people({member_id})
        self._read_recent({member_id}, counting)
        for channel in self._programme.contact.daily_budget:
            self._read_day(channel)
        person = self._people.get(member_id) or Person(None, self._programme.tz, stop_listed=True)
        return ContactStanding(
            zone=person.zone,
            email=person.email,
            stop_listed=person.stop_listed,
            consents=dict(person.consents),
            recent={channel: tuple(self._recent[member_id, channel]) for channel in CHANNELS},
            sent_today=dict(self._sent_today),
        )

    def address(self, pending: Pending) -> str:
        return self._people[pending.member_id].address(pending.channel, pending.member_id) or ""

    def let_go(self, pending: Pending) -> None:
        """Count a message that the gate has just let through."""
        if pending.purpose == "marketing":
            self._recent[pending.member_id, pending.channel].append(self._now)
        if pending.channel in self._sent_today:
            self._sent_today[pending.channel] += 1

    def _zone(self, name: str | None) -> ZoneInfo:
        """The member's zone; one that the zone data no longer knows must not stop the line."""
        try:
            return ZoneInfo(name) if name else self._programme.tz
        except (ZoneInfoNotFoundError, ValueError):
            return self._programme.tz

    def _read_recent(self, ids: Iterable[str], counting: Sequence[Status]) -> None:
        since = self._now - self._programme.contact.frequency_window
        parameters = {"ids": sorted(ids), "counting": list(counting), "since": since}
        rows = self._connection.execute(_RECENT, parameters)
        for row in rows:
            self._recent[row.member_id, row.channel].append(row.at)

    def _read_day(self, channel: Channel) -> None:
        """Count the day's sends, as far as the budget: beyond it the number changes nothing."""
        limit = self._programme.contact.daily_budget[channel]
        sends = (
            select(messages.c.key)
            .where(
                messages.c.channel == channel,
                messages.c.status.in_(GOING_OUT),
                messages.c.claimed_at >= start_of_day(self._now, self._programme.tz),
            )
            .limit(limit)
            .subquery()
        )
        count = select(func.count()).select_from(sends)
        self._sent_today[channel] = self._connection.execute(count).scalar_one()


def lock_budgets(connection: Connection, channels: Iterable[str]) -> None:
    """Let one claim at a time count a channel's day: two must not both take the last send.

    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        for channel in sorted(channels):
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:name))"),
                {"name": f"message budget {channel}"},
            )
