"""When points lapse, and that nobody loses points unwarned.

A policy is data: rolling, at the end of a month, quarter or year, after inactivity, or never. Days
end at midnight in the programme's zone, exclusive. With a notice period, points lapse only when
their notice has been on record that long; otherwise they live on until it has.
Source: rules 1, 5, 6, 8, 12, 13.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.expiry_policy import Expiry
from loyalty.following import follow
from loyalty.ledger import Balance
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.tiers.changes import record
from loyalty.timing import start_of_day

EXPIRING = "points.expiring"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one member came to, in points."""

    lapsed: int = 0
    noticed: int = 0
    prolonged: int = 0

    def __bool__(self) -> bool:
        return bool(self.lapsed or self.noticed or self.prolonged)


def undated_until(expiry: Expiry, member: Member, zone: ZoneInfo) -> datetime | None:
    """When a member's undated points lapse; none = never.

    Inactivity counts from the last purchase, so each purchase moves it. A policy that was switched
    on for live members counts from that day: nobody loses anything before a full period (rule 8).
    """
    act = member.last_purchase_at or member.registered_at
    return expiry.undated(act, zone)


def balance_to_show(tx: Transaction, member: Member) -> Balance:
    """What a member has, with every coming expiry.

    Points without a date are among them where inactivity, or expiry that was switched on for live
    members, will end them; the next purchase may move that.
    """
    balance = tx.ledger.balance(member.id)
    until = undated_until(tx.programme.expiry, member, tx.programme.tz)
    if until is None or until <= tx.now or not (points := tx.ledger.undated(member.id)):
        return balance
    dated = dict(balance.next_expiry)
    dated[until] = dated.get(until, 0) + points
    return replace(balance, next_expiry=sorted(dated.items()))


def look(tx: Transaction, member_id: str) -> Looked:
    """Give notice of what lapses soon, then break what lapsed and was noticed in time.

    Each member is a transaction of its own; a second look at the same hour changes nothing.
    """
    member = tx.members.lock(member_id)
    if member.id != member_id or member.status != "active":
        return _left_behind(tx, member_id)
    expiry, zone = tx.programme.expiry, tx.programme.tz
    noticed, prolonged = _warn(tx, member, expiry, zone) if expiry.notice_days else (0, 0)
    return Looked(_break(tx, member, expiry, zone), noticed, prolonged)


def _warn(tx: Transaction, member: Member, expiry: Expiry, zone: ZoneInfo) -> tuple[int, int]:
    """Points of which notice was given, and those of them that live on for it."""
    notice = timedelta(days=expiry.notice_days)
    soonest, prolonged = tx.now + notice, 0
    late, instants = [], set()
    for at, points in tx.ledger.lapsing(member.id, soonest):
        given = tx.notices.given(member.id, at)
        if given is not None and given + notice <= at:
            continue
        if at < soonest:
            late.append(at)
            prolonged += points
        else:
            instants.add(at)
    if late:
        # Too late to warn in time: the points live on until the warning is old enough.
        until = _unannounced(tx, member.id, soonest, zone)
        instants.add(until)
        for at in late:
            key = f"prolong:{member.id}:{at.isoformat()}:{until.isoformat()}"
            tx.ledger.prolong(key, member.id, at, until)
    undated, points = undated_until(expiry, member, zone), 0
    if undated is not None and (points := tx.ledger.undated(member.id)) and undated <= soonest:
        instants.add(undated)
    noticed = 0
    for at in sorted(instants):
        # All that lapses then: lots that were put together, one of that date, and undated points.
        dated = dict(tx.ledger.lapsing(member.id, at)).get(at, 0)
        noticed += _notice(tx, member, at, dated + (points if at == undated else 0))
    return noticed, prolonged


def _unannounced(tx: Transaction, member_id: str, soonest: datetime, zone: ZoneInfo) -> datetime:
    """The first midnight that a notice of today is old enough for, and that none has named yet:
    who was told of 10 points is not to lose 300 with them.
    """
    days = 1
    while tx.notices.given(member_id, start_of_day(soonest, zone, days)) is not None:
        days += 1
    return start_of_day(soonest, zone, days)


def _notice(tx: Transaction, member: Member, at: datetime, points: int) -> int:
    """Put the notice on record, and let campaigns tell the member; once for each instant."""
    if tx.notices.given(member.id, at) is not None:
        return 0
    said = {"points": str(points), "until": at.isoformat()}
    event = record(tx, member.id, EXPIRING, f"{EXPIRING}/{member.id}/{at:%Y%m%dT%H%M%S}", said)
    tx.notices.add(member.id, at, event.seq if event else None)
    if event is not None:
        follow(tx, member, event, event.seq)
    return points


def _break(tx: Transaction, member: Member, expiry: Expiry, zone: ZoneInfo) -> int:
    """Break what lapsed; by now all of it was noticed in time, or lives on."""
    until = undated_until(expiry, member, zone)
    undated = until is not None and until <= tx.now and _proven(tx, member.id, until)
    key = f"expire:{member.id}:{tx.now.isoformat()}"
    posted = tx.ledger.expire(member.id, tx.now, key, undated=undated)
    return posted.points if posted is not None and not posted.replayed else 0


def _proven(tx: Transaction, member_id: str, at: datetime) -> bool:
    """Whether the notice is old enough for the points to lapse now (rule 8)."""
    days = tx.programme.expiry.notice_days
    if not days:
        return True
    given = tx.notices.given(member_id, at)
    return given is not None and given + timedelta(days=days) <= tx.now


def _left_behind(tx: Transaction, member_id: str) -> Looked:
    """Whoever was merged or erased has nobody to be told: what is left on that book breaks."""
    posted = tx.ledger.expire(member_id, tx.now, f"expire:{member_id}:{tx.now.isoformat()}")
    return Looked(lapsed=posted.points if posted is not None else 0)
