"""Messages to members: who may be told what, when, and what became of each.

Every message passes one gate, in one order, whichever campaign sends it: stop list, consent,
address, age, the day's budget, the member's frequency cap, quiet hours where the member lives. The
gate defers before it drops; a service message is not held back by rules made for marketing.
Source: rule 30.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from loyalty.programme import Channel, Contact, Purpose
from loyalty.timing import next_time_of_day

JITTER = timedelta(minutes=15)
"""Messages held overnight leave over this span, so that morning is no burst for the channels."""

Ruling = Literal["send", "defer", "drop"]
Reason = Literal[
    "allowed",
    "campaign_stopped",
    "stop_listed",
    "no_consent",
    "no_address",
    "expired",
    "message_budget",
    "frequency_cap",
    "quiet_hours",
]
Status = Literal["queued", "deferred", "sending", "sent", "dropped", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What the gate must know about one message and the member it is for."""

    key: str
    channel: Channel
    purpose: Purpose
    zone: ZoneInfo  # where the member lives
    expires_at: datetime  # exclusive: from here on the message says nothing of use
    reachable: bool
    stop_listed: bool = False
    consent: bool | None = None  # none = the member never said
    campaign_stopped: bool = False
    sent_today: int = 0  # by this channel, to anybody, in the programme's day
    day_ends_at: datetime | None = None  # needed only where the channel has a daily budget
    recent: tuple[datetime, ...] = ()  # marketing to this member on this channel, any order


@dataclass(frozen=True, slots=True)
class ContactStanding:
    """What the gate knows of one member, whatever the message: for looking ahead, nothing is sent.

    `recent` are instants of marketing by channel, `sent_today` sends to anybody by channel.
    """

    zone: ZoneInfo
    email: str | None
    stop_listed: bool
    consents: Mapping[tuple[str, str], bool]  # by (channel, purpose)
    recent: Mapping[str, tuple[datetime, ...]]
    sent_today: Mapping[str, int]

    def facts(
        self,
        key: str,
        channel: Channel,
        purpose: Purpose,
        *,
        expires_at: datetime,
        day_ends_at: datetime | None = None,
    ) -> ContactFacts:
        """The facts of one message to this member."""
        return ContactFacts(
            key=key,
            channel=channel,
            purpose=purpose,
            zone=self.zone,
            expires_at=expires_at,
            reachable=channel != "email" or bool(self.email),
            stop_listed=self.stop_listed,
            consent=self.consents.get((channel, purpose)),
            sent_today=self.sent_today.get(channel, 0),
            day_ends_at=day_ends_at,
            recent=self.recent.get(channel, ()),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says: send, defer until, or drop, and the one rule that decided."""

    verdict: Ruling
    reason: Reason
    until: datetime | None = None


SEND = Verdict("send", "allowed")


def contact_gate(facts: ContactFacts, contact: Contact, now: datetime) -> Verdict:
    """Judge one message at one moment; a deferred one is judged again when its time comes.

    A deferral never reaches past the message's own end, and is always later than `now`.
    """
    if reason := _dropped(facts, contact, now):
        return Verdict("drop", reason)
    deferrals: tuple[tuple[Reason, datetime | None], ...] = (
        ("message_budget", _budget_returns_at(facts, contact)),
        ("frequency_cap", _cap_leaves_at(facts, contact, now)),
        ("quiet_hours", _quiet_ends_at(facts, contact, now)),
    )
    for rule, until in deferrals:
        if until is not None:
            return Verdict("defer", rule, min(until, facts.expires_at))
    return SEND


def _dropped(facts: ContactFacts, contact: Contact, now: datetime) -> Reason | None:
    if facts.campaign_stopped and facts.purpose == "marketing":
        return "campaign_stopped"
    if facts.stop_listed:
        return "stop_listed"
    if not _consents(facts, contact):
        return "no_consent"
    if not facts.reachable:
        return "no_address"
    if now >= facts.expires_at:
        return "expired"
    return None


def _consents(facts: ContactFacts, contact: Contact) -> bool:
    """What the member said counts, and else what silence means."""
    if facts.consent is not None:
        return facts.consent
    return contact.assumes(facts.channel, facts.purpose)


def _budget_returns_at(facts: ContactFacts, contact: Contact) -> datetime | None:
    limit = contact.daily_budget.get(facts.channel)
    return facts.day_ends_at if limit is not None and facts.sent_today >= limit else None


def _cap_leaves_at(facts: ContactFacts, contact: Contact, now: datetime) -> datetime | None:
    """When enough of the member's recent marketing is old enough to make room for one more."""
    if facts.purpose == "service":
        return None
    window = contact.frequency_window
    counted = sorted(at for at in facts.recent if at > now - window)
    if len(counted) < contact.frequency_cap:
        return None
    return counted[-contact.frequency_cap] + window


def _quiet_ends_at(facts: ContactFacts, contact: Contact, now: datetime) -> datetime | None:
    if facts.purpose == "service" or not is_quiet(contact, facts.zone, now):
        return None
    end = next_time_of_day(now, contact.quiet_until, facts.zone)
    return end + _jitter(facts.key, contact)


def is_quiet(contact: Contact, zone: ZoneInfo, now: datetime) -> bool:
    """Whether the clock on the member's wall stands in the quiet hours, which may span midnight."""
    wall = now.astimezone(zone).time()
    start, end = contact.quiet_from, contact.quiet_until
    if start <= end:
        return start <= wall < end
    return wall >= start or wall < end


def _jitter(key: str, contact: Contact) -> timedelta:
    """The message's own delay: the same at every look, and never into the next quiet hours."""
    awake = (_seconds(contact.quiet_from) - _seconds(contact.quiet_until)) % 86_400
    span = min(int(JITTER.total_seconds()), awake)
    draw = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return timedelta(seconds=draw % max(span, 1))


def _seconds(of_day: time) -> int:
    return of_day.hour * 3600 + of_day.minute * 60 + of_day.second


# --- what delivery needs ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message as a journey or a broadcast puts it in line: what is said, never how it reads."""

    key: str  # <effect key>:<channel>, known before the work that queues it
    member_id: str
    message: str
    channel: Channel
    purpose: Purpose
    locale: str
    variables: Mapping[str, Any]
    campaign_id: str | None = None
    version: int | None = None
    enrolment_id: str | None = None
    expires_at: datetime | None = None  # what it speaks of is over; none = says so of nothing


def useful_until(new: NewMessage, contact: Contact, now: datetime) -> datetime:
    """When a message put in line now is given up, though it may be what it says was over before."""
    given_up = now + contact.give_up_after
    return min(new.expires_at, given_up) if new.expires_at else given_up


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of a message when it was put in line, with the gate's word for it."""

    status: Status
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message claimed for sending: the gate said send, and this attempt is ours alone."""

    key: str
    attempt: int  # from 1; a settlement by an older attempt is ignored
    member_id: str
    campaign_id: str | None
    version: int | None
    message: str
    channel: Channel
    purpose: Purpose
    locale: str
    variables: Mapping[str, Any]
    address: str
    expires_at: datetime
    unsubscribe_token: str | None = None  # of marketing by e-mail


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one attempt ended. `deferred` carries when to try again, `sent` what was said."""

    key: str
    attempt: int
    status: Literal["sent", "failed", "deferred", "unknown"]
    subject: str | None = None
    body: str | None = None
    error: str | None = None
    due_at: datetime | None = None


Texts = Mapping[str, Mapping[str, Mapping[str, str]]]
"""A campaign version's frozen texts: {message: {locale: {subject, text}}}."""


class MessageStore(Protocol):
    """Where each channel's line of messages stands; every call is one transaction of its own."""

    def claim(self, channel: Channel, limit: int) -> Sequence[Outgoing]:
        """Take up to `limit` due messages that the gate, asked again, lets go."""
        ...

    def may_leave(self, outgoing: Outgoing) -> bool:
        """Whether the gate, asked once more right before it is sent, lets a claimed one go."""
        ...

    def settle(self, settlements: Sequence[Settlement]) -> None: ...

    def texts(self, campaign_id: str, version: int) -> Texts: ...
