"""When points lapse, and that nobody loses points unwarned.

A policy is data: rolling, at the end of a month, quarter or year, after inactivity, or never. Days
end at midnight in the programme's zone, exclusive. With a notice period, only so many points lapse
as a notice named that has been on record that long; the others live on until theirs has.
Source: rules 1, 5, 6, 8, 12, 13.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loyalty.coming_expiry import announced, old_enough, undated_until
from loyalty.expiry_policy import Notice
from loyalty.following import follow
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


def look(tx: Transaction, member_id: str) -> Looked:
    """Give notice of what lapses soon, then break what lapsed and was noticed in time.

    Each member is a transaction of its own; a second look at the same hour changes nothing.
    """
    member = tx.members.lock(member_id)
    if member.id != member_id or member.status != "active":
        return _left_behind(tx, member_id)
    ends = undated_until(tx, member)
    noticed, prolonged = _warn(tx, member, ends) if tx.programme.expiry.notice_days else (0, 0)
    return Looked(_break(tx, member.id, ends), noticed, prolonged)


def _warn(tx: Transaction, member: Member, ends: datetime | None) -> tuple[int, int]:
    """Points of which notice was given, and those of them that live on for it.

    `ends` is when undated points lapse. Who was told of 10 points does not lose 300: so many lapse
    as the notice named, and the rest lives on until it was announced as well.
    """
    expiry = tx.programme.expiry
    in_time, told_by = tx.now + timedelta(days=expiry.notice_days), expiry.told_by(tx.now)
    # The first midnight that a notice of today is old enough for.
    until = start_of_day(in_time, tx.programme.tz, days=1)
    late: list[tuple[datetime, int]] = []
    more: dict[datetime, int] = {}  # of which undated points, by the instant to be told of
    for at, points in tx.ledger.lapsing(member.id, told_by):
        unannounced = points - _told(tx, member.id, at)
        if unannounced > 0 and at < in_time:
            late.append((at, unannounced))
            more[until] = 0
        elif unannounced > 0:
            more[at] = 0
    prolonged = sum(points for _, points in late)
    if ends and ends <= told_by and (undated := _unannounced(tx, member.id, ends)) > 0:
        more[ends if ends >= in_time else until] = undated
        prolonged += undated if ends < in_time else 0
    _live_on(tx, member.id, late, until)
    noticed = sum(_tell(tx, member, at, more[at], ends) for at in sorted(more))
    return noticed, prolonged


def _told(tx: Transaction, member_id: str, at: datetime) -> int:
    """How many points of a date may lapse then: those announced long enough before."""
    notice = tx.notices.given(member_id, at)
    return notice.points if notice and old_enough(tx, notice) else 0


def _unannounced(tx: Transaction, member_id: str, ends: datetime) -> int:
    told = sum(each.undated for each in announced(tx, member_id, ends))
    return tx.ledger.undated(member_id) - told


def _live_on(
    tx: Transaction, member_id: str, late: list[tuple[datetime, int]], until: datetime
) -> None:
    """It is too late to tell of these points in time: they live until the notice to come."""
    before = tx.notices.given(member_id, until)
    for at, points in late:
        # Named by the notice that they wait for: no two looks give the same one.
        notice = f"{until.isoformat()}:{before.times + 1 if before else 1}"
        key = f"prolong:{member_id}:{at.isoformat()}:{notice}"
        tx.ledger.prolong(key, member_id, at, until, points)


def _tell(tx: Transaction, member: Member, at: datetime, more: int, ends: datetime | None) -> int:
    """Put on record that all these points lapse then, and let campaigns tell the member.

    `more` undated ones than a notice before. How many points in all.
    """
    before = tx.notices.given(member.id, at) or Notice(at, tx.now, 0, times=0)
    dated = dict(tx.ledger.lapsing(member.id, at)).get(at, 0)
    undated = 0
    if ends and ends <= at:
        undated = min(before.undated + more, tx.ledger.undated(member.id))
    times = before.times + 1
    said = {"points": str(dated + undated), "until": at.isoformat()}
    name = f"{EXPIRING}/{member.id}/{at:%Y%m%dT%H%M%S}/{times}"
    event = record(tx, member.id, EXPIRING, name, said)
    seq = event.seq if event else None
    tx.notices.save(member.id, Notice(at, tx.now, dated, undated, times, seq))
    if event is not None:
        follow(tx, member, event, event.seq)
    return dated + undated


def _break(tx: Transaction, member_id: str, ends: datetime | None) -> int:
    """Break what lapsed; by now all of it was noticed in time, or lives on."""
    gone, undated, named = dict(tx.ledger.lapsing(member_id, tx.now)), 0, list[Notice]()
    if ends and ends <= tx.now:
        undated = tx.ledger.undated(member_id)
        if tx.programme.expiry.notice_days:
            named = [n for n in announced(tx, member_id, ends) if n.expires_at <= tx.now]
            undated = min(undated, sum(each.undated for each in named))
    if not gone and not undated:
        return 0
    key = f"expire:{member_id}:{tx.now.isoformat()}"
    posted = tx.ledger.expire(member_id, tx.now, key, undated=undated)
    if posted is None or posted.replayed:
        return 0
    for each in named:
        part = min(undated, each.undated)
        undated -= part
        tx.notices.save(member_id, replace(each, undated=each.undated - part))
    for at, points in gone.items():
        if told := tx.notices.given(member_id, at):
            tx.notices.save(member_id, replace(told, points=max(0, told.points - points)))
    return posted.points


def _left_behind(tx: Transaction, member_id: str) -> Looked:
    """Whoever was merged or erased has nobody to be told: what is left on that book breaks."""
    posted = tx.ledger.expire(member_id, tx.now, f"expire:{member_id}:{tx.now.isoformat()}")
    return Looked(lapsed=posted.points if posted is not None else 0)
