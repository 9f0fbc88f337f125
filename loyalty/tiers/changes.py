"""Tiers follow purchases and refunds: up in the same transaction, down at the day's end.

A purchase costs nothing more where the metric is spend, all of the receipt counts, and all the
member ever spent would not reach a higher tier; otherwise a row of the metric, and a sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from loyalty.digest import digest
from loyalty.events import OWN_SOURCE
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.records import InboxEvent
from loyalty.tiers.decisions import next_look, rise
from loyalty.tiers.gifts import gifts
from loyalty.tiers.qualifying import counts_whole, noted
from loyalty.tiers.settings import Tiers
from loyalty.tiers.standing import Case, Counted, Held, Place, tier_at
from loyalty.timing import start_of_day

CHANGED, AT_RISK = "tier.changed", "tier.at_risk"


@dataclass(frozen=True, slots=True)
class Changed:
    """The member with the tier that counts now, and the event that tells campaigns of it."""

    member: Member
    event: InboxEvent | None


def after(tx: Transaction, member: Member, event: InboxEvent) -> Changed | None:
    """What a recorded event does to its member's tier; none when that stays as it is."""
    if event.type == "purchase":
        return after_purchase(tx, member, event)
    if event.type == "refund":
        after_refund(tx, member, event)
    return None


def after_purchase(tx: Transaction, member: Member, event: InboxEvent) -> Changed | None:
    """Count a purchase, and raise the member at once if the metric reaches a higher tier."""
    tiers = tx.programme.tiers
    if not tiers.ladder or tiers.rank(member.tier) is None or member.status != "active":
        return None
    _count(tx, event, noted(tiers, event, ()))
    if tiers.metric == "spend_minor" and not _may_rise(tiers, member):
        return None
    case = case_of(tx, member)
    in_time = tx.now - event.occurred_at <= tx.programme.lateness
    risen = rise(case, event.occurred_at if in_time else None)
    if risen is None:
        return None
    known = tx.tiers.review_of(member.id)
    return carry_out(tx, member, case, risen, known.refunded_at if known else None)


def after_refund(tx: Transaction, member: Member, event: InboxEvent) -> None:
    """Take a refund from the metric, and have the tier looked at when the day is over."""
    tiers = tx.programme.tiers
    rank = tiers.rank(member.tier)
    if rank is None or event.refunds_seq is None:
        return
    purchase = tx.inbox.get(event.refunds_seq)
    assert purchase is not None  # a refund is recorded only for one that is there
    if not counts_whole(tiers, purchase):
        refunds = tx.inbox.refunds_of(purchase.seq)
        kept = noted(tiers, purchase, refunds)
        before = noted(tiers, purchase, [each for each in refunds if each.seq != event.seq])
        _count(tx, replace(event, occurred_at=purchase.occurred_at), kept - before)
    if rank == 0:
        return
    known = tx.tiers.review_of(member.id)
    refunded_at = known.refunded_at if known and known.refunded_at else tx.now
    due = start_of_day(refunded_at, tx.programme.tz, days=1)
    if known is not None:
        due = min(due, known.due_at)
    tx.tiers.review_at(member.id, due, refunded_at)


def case_of(tx: Transaction, member: Member) -> Case:
    """The member's case as of now; it asks for each window's metric once."""
    place = Place(member.registered_at, member.tier, tx.tiers.history(member.id))
    programme = tx.programme
    return Case(programme.tiers, programme.tz, place, _counted(tx, member.id), tx.now)


def _counted(tx: Transaction, member_id: str) -> Counted:
    known: dict[tuple[datetime, datetime | None], int] = {}

    def count(since: datetime, before: datetime | None) -> int:
        if (since, before) not in known:
            known[since, before] = tx.tiers.metric(member_id, since, before)
        return known[since, before]

    return count


def carry_out(
    tx: Transaction, member: Member, case: Case, row: Held, refunded_at: datetime | None
) -> Changed:
    """Write a new row of the history, with its gifts, and say whether the tier changed.

    `refunded_at` is of a refund that no review has judged yet. Who calls tells campaigns.
    """
    number = tx.tiers.add(member.id, row)
    if row.reason == "reached":
        _give(tx, member.id, case, row)
    after_it = replace(case, place=replace(case.place, history=(*case.place.history, row)))
    plan_review(tx, member.id, after_it, refunded_at)
    return settle(tx, member, after_it, row.reason, str(number))


def _give(tx: Transaction, member_id: str, case: Case, risen: Held) -> None:
    for rung, period in gifts(case, risen, tx.tiers.history_of_merged(member_id)):
        tx.ledger.earn(
            f"tier:{member_id}:{rung.tier}:{period}",
            member_id,
            rung.gift_points,
            kind="grant",
            expires_at=tx.programme.expiry.of(tx.now, tx.now, case.zone),
            source="tier",
            meta={"tier": rung.tier, "period": period},
        )


def settle(tx: Transaction, member: Member, case: Case, reason: str, name: str) -> Changed:
    """Bring the member's row up to the history; an event says so if that changed the tier."""
    tier = tier_at(case.tiers, case.place, tx.now)
    if tier == member.tier:
        return Changed(member, None)
    moved = replace(member, tier=tier)
    tx.members.save(moved)
    before, after_it = case.tiers.rank(member.tier), case.tiers.rank(tier)
    up = before is None or (after_it is not None and after_it > before)
    said = {
        "tier": tier,
        "before": member.tier,
        "direction": "up" if up else "down",
        "reason": reason,
    }
    return Changed(moved, record(tx, member.id, CHANGED, f"tier/{member.id}/{name}", said))


def record(
    tx: Transaction, member_id: str, type: str, event_id: str, attributes: Mapping[str, Any]
) -> InboxEvent | None:
    """An event of our own for campaigns to begin with; none if it was recorded before."""
    if tx.inbox.find(OWN_SOURCE, event_id) is not None:
        return None
    body = {"attributes": dict(attributes)}
    event = InboxEvent(
        seq=0,
        source=OWN_SOURCE,
        event_id=event_id,
        type=type,
        member_id=member_id,
        occurred_at=tx.now,
        recorded_at=tx.now,
        body=body,
        answer={},
        body_hash=digest(body),
    )
    return replace(event, seq=tx.inbox.add(event))


def plan_review(tx: Transaction, member_id: str, case: Case, refunded_at: datetime | None) -> None:
    """Note when the member has to be looked at next; nothing is noted when nothing is coming."""
    due = next_look(case, tx.programme.lateness, refunded_at)
    tx.tiers.review_at(member_id, due, refunded_at)


def _may_rise(tiers: Tiers, member: Member) -> bool:
    """Whether a look at the history is worth it: all that was ever spent bounds any window's sum.

    Behind a paid level any tier of the ladder may stand.
    """
    rank = 0 if member.tier in tiers.paid_levels else tiers.rank(member.tier) or 0
    return tiers.reached(member.spend_minor) > rank


def _count(tx: Transaction, event: InboxEvent, amount: int) -> None:
    if amount:
        key = f"{tx.programme.tiers.metric}:{event.seq}"
        tx.tiers.count(event.member_id, event.occurred_at, amount, key)
