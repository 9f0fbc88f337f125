"""Events come in: recorded once, points at once, and every waiting journey told.

One transaction holds the inbox row, the earn posting with its working, and an outbox row for each
journey whose next move the event changes. Sending the same body again gives the first answer;
another body under the same id raises KeyReused (rule 14).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from loyalty.admission import Entry, compiled, consider
from loyalty.earning import Breakdown, earn, kept_after, kept_minor, refund
from loyalty.errors import Invalid, KeyReused, Unknown
from loyalty.events import MemberEvent, Purchase, Refund, body_hash
from loyalty.journeys.goals import kept_minor as kept_of
from loyalty.journeys.machine import Sleep, advance
from loyalty.journeys.turn import Sight, nudge
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.records import Enrolment, InboxEvent

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead a till's clock may run before its receipts are refused."""


def record_purchase(tx: Transaction, purchase: Purchase) -> dict[str, Any]:
    """Record a receipt and credit what it earns. The answer carries the working, line by line."""
    member, hash_ = tx.members.lock(purchase.member_id), body_hash(purchase)
    if (answer := _replay(tx, purchase.source, purchase.id, hash_, "purchase")) is not None:
        return answer
    not_in_future(tx, purchase.occurred_at)
    if purchase.currency != tx.programme.currency:
        raise _invalid("currency", "currency", f"this programme is kept in {tx.programme.currency}")
    cards = tx.cards.at(member.id, purchase.occurred_at)
    breakdown = earn(purchase, tx.programme.earning, cards, tx.programme.tz)
    event = InboxEvent(
        seq=0,
        source=purchase.source,
        event_id=purchase.id,
        type="purchase",
        member_id=member.id,
        occurred_at=purchase.occurred_at,
        recorded_at=tx.now,
        body=purchase.model_dump(mode="json"),
        answer={"first_purchase": member.purchases == 0},
        body_hash=hash_,
        store=purchase.store,
        channel=purchase.channel,
        amount_minor=purchase.net_minor,
    )
    seq = tx.inbox.add(event)
    posted = _credit(tx, purchase, breakdown) if breakdown.points else None
    answer = {
        **event.answer,
        "seq": seq,
        "points": breakdown.points,
        "breakdown": breakdown.model_dump(mode="json"),
        "transaction": posted,
    }
    tx.inbox.answer(seq, answer)
    bought = replace(
        member,
        purchases=member.purchases + 1,
        spend_minor=member.spend_minor + (event.amount_minor or 0),
        first_purchase_at=min(member.first_purchase_at or event.occurred_at, event.occurred_at),
        last_purchase_at=max(member.last_purchase_at or event.occurred_at, event.occurred_at),
    )
    tx.members.save(bought)
    follow(tx, bought, replace(event, answer=answer), seq)
    return {**answer, "replayed": False}


def earn_key(source: str, purchase_id: str) -> str:
    """The ledger key of what a purchase earned, known before it is posted."""
    return f"purchase:{source}:{purchase_id}"


def _credit(tx: Transaction, purchase: Purchase, breakdown: Breakdown) -> str:
    key = earn_key(purchase.source, purchase.id)
    tx.ledger.earn(
        key,
        purchase.member_id,
        breakdown.points,
        expires_at=tx.programme.expiry.of(purchase.occurred_at, tx.now, tx.programme.tz),
        source="purchase",
        effective_at=purchase.occurred_at,
        meta={"breakdown": breakdown.model_dump(mode="json")},
    )
    return key


def record_refund(tx: Transaction, refunded: Refund) -> dict[str, Any]:
    """Undo a purchase or part of it: its points go by the rules and cards it was earned under.

    Any sequence of partial refunds takes back exactly what the whole would have (rule 2); what was
    spent already becomes points debt (rule 1).
    """
    purchase_row = tx.inbox.find(refunded.purchase_source or refunded.source, refunded.purchase_id)
    if purchase_row is None or purchase_row.type != "purchase":
        raise Unknown("purchase", refunded.purchase_id)
    member, hash_ = tx.members.lock(purchase_row.member_id), body_hash(refunded)
    if (answer := _replay(tx, refunded.source, refunded.id, hash_, "refund")) is not None:
        return answer
    not_in_future(tx, refunded.occurred_at)
    # Read again under the member's lock: another refund may have come between.
    purchase_row = tx.inbox.get(purchase_row.seq) or purchase_row
    outcome = _undo(tx, purchase_row, refunded)
    event = InboxEvent(
        seq=0,
        source=refunded.source,
        event_id=refunded.id,
        type="refund",
        member_id=member.id,
        occurred_at=refunded.occurred_at,
        recorded_at=tx.now,
        body=refunded.model_dump(mode="json"),
        answer={},
        body_hash=hash_,
        store=purchase_row.store,
        channel=purchase_row.channel,
        amount_minor=outcome.amount_minor,
        refunds_seq=purchase_row.seq,
    )
    seq = tx.inbox.add(event)
    key = f"refund:{refunded.source}:{refunded.id}"
    if outcome.points:
        earned = earn_key(purchase_row.source, purchase_row.event_id)
        tx.ledger.reverse(key, earned, outcome.points, policy="debt")
    tx.inbox.refunded(purchase_row.seq, purchase_row.refunded_minor + outcome.amount_minor)
    answer = {
        "seq": seq,
        "purchase": purchase_row.event_id,
        "amount_minor": outcome.amount_minor,
        "points_reversed": outcome.points,
        "transaction": key if outcome.points else None,
    }
    tx.inbox.answer(seq, answer)
    returned = replace(member, spend_minor=member.spend_minor - outcome.amount_minor)
    if outcome.was_last:
        returned = _without(tx, returned, purchase_row)
    tx.members.save(returned)
    nudge_waiting(tx, returned, "purchase", f"refund {seq}")
    follow(tx, returned, event, seq)
    return {**answer, "replayed": False}


def _without(tx: Transaction, member: Member, gone: InboxEvent) -> Member:
    """The member as if a purchase had never been, also in when they first and last bought."""
    member = replace(member, purchases=member.purchases - 1)
    if gone.occurred_at not in (member.first_purchase_at, member.last_purchase_at):
        return member
    ever = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    kept = [
        event.occurred_at
        for event in tx.inbox.between(member.id, ("purchase",), *ever)
        if event.seq != gone.seq and (kept_of(event) or not event.amount_minor)
    ]
    return replace(
        member,
        first_purchase_at=min(kept, default=None),
        last_purchase_at=max(kept, default=None),
    )


@dataclass(frozen=True, slots=True)
class Undone:
    """What a refund undoes: money and points, in whole units.

    `was_last`: with this one the purchase is no longer any; true of one refund of each at most.
    """

    amount_minor: int
    points: int
    was_last: bool


def _undo(tx: Transaction, purchase: InboxEvent, refunded: Refund) -> Undone:
    breakdown = Breakdown.model_validate(purchase.answer["breakdown"])
    before = [line.quantity for line in breakdown.lines]
    reversed_points = 0
    for row in tx.inbox.refunds_of(purchase.seq):
        before = kept_after(before, Refund.model_validate(row.body).lines)
        reversed_points += int(row.answer["points_reversed"])
    if not any(before):
        raise _invalid("purchase_id", "refunded", "was refunded whole already")
    after = kept_after(before, refunded.lines)
    paid, still_paid = sum(kept_minor(breakdown, before)), sum(kept_minor(breakdown, after))
    # A free gift may stay behind or come back later; a receipt of nothing else ends with the last.
    over_money = bool(purchase.amount_minor)
    return Undone(
        amount_minor=paid - still_paid,
        points=refund(breakdown, after, reversed_points),
        was_last=paid > 0 == still_paid if over_money else not any(after),
    )


def record_event(tx: Transaction, event: MemberEvent) -> dict[str, Any]:
    """Record anything else that a member did and the programme declares."""
    member, hash_ = tx.members.lock(event.member_id), body_hash(event)
    if (answer := _replay(tx, event.source, event.id, hash_, "event")) is not None:
        return answer
    not_in_future(tx, event.occurred_at)
    if event.type not in tx.programme.event_types:
        raise _invalid(
            "type", "event_type", "is not declared in the programme", tx.programme.event_types
        )
    row = InboxEvent(
        seq=0,
        source=event.source,
        event_id=event.id,
        type=event.type,
        member_id=member.id,
        occurred_at=event.occurred_at,
        recorded_at=tx.now,
        body=event.model_dump(mode="json"),
        answer={},
        body_hash=hash_,
        store=event.store,
        channel=event.channel,
    )
    seq = tx.inbox.add(row)
    answer = {"seq": seq}
    tx.inbox.answer(seq, answer)
    follow(tx, member, row, seq)
    return {**answer, "replayed": False}


def follow(tx: Transaction, member: Member, event: InboxEvent, seq: int) -> None:
    """What an event sets going: journeys that wait for it, and campaigns that it opens."""
    nudge_waiting(tx, member, event.type, f"{event.type} {seq}")
    event = replace(event, seq=seq)
    for campaign, version in tx.campaigns.entered_by(event.type):
        once = compiled(version).reentry.rule == "once_per_member"
        entry = Entry(
            key="once" if once else str(seq),
            since=_counts_after(event),
            event=event,
            priority=1,
        )
        consider(tx, campaign, version, member, entry)


def _counts_after(event: InboxEvent) -> datetime:
    """Acts after this instant count for the journey an event opens; the event itself never does.

    Who registers at the till buys in the same breath, and the till's clock may be behind ours.
    """
    skew = CLOCK_SKEW if event.type == "member.registered" else timedelta(microseconds=1)
    return event.occurred_at - skew


def nudge_waiting(tx: Transaction, member: Member, event_type: str, reason: str) -> None:
    """Wake each journey waiting on this type whose next move is no longer to sleep."""
    for enrolment in tx.enrolments.waiting_for(member.id, event_type):
        if _moves(tx, member, enrolment):
            nudge(tx, enrolment, reason)


def _moves(tx: Transaction, member: Member, enrolment: Enrolment) -> bool:
    plan = tx.campaigns.version(enrolment.campaign_id, enrolment.version).plan
    seen = Sight(tx, member, plan, enrolment).at(enrolment.position)
    return not isinstance(advance(plan, enrolment.position, seen), Sleep)


def _replay(
    tx: Transaction, source: str, event_id: str, hash_: str, kind: str
) -> dict[str, Any] | None:
    found = tx.inbox.find(source, event_id)
    if found is None:
        return None
    if found.body_hash != hash_:
        raise KeyReused(kind, f"{source}/{event_id}")
    return {**found.answer, "replayed": True}


def not_in_future(tx: Transaction, at: datetime, field: str = "occurred_at") -> None:
    if at > tx.now + CLOCK_SKEW:
        raise _invalid(field, "in_future", f"is in the future; it is {tx.now.isoformat()}")


def _invalid(field: str, code: str, message: str, allowed: tuple[str, ...] = ()) -> Invalid:
    problem: dict[str, Any] = {"field": field, "code": code, "message": message}
    if allowed:
        problem["allowed"] = list(allowed)
    return Invalid(f"{field} {message}.", [problem])
