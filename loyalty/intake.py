"""Events come in: recorded once, points at once, and every waiting journey told.

One transaction holds the inbox row, the earn posting with its working, and an outbox row for each
journey whose next move the event changes. Sending the same body again gives the first answer;
another body under the same id raises KeyReused (rule 14).
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from loyalty.earning.breakdown import Breakdown
from loyalty.earning.earn import earn
from loyalty.earning.match import Facts
from loyalty.errors import KeyReused, invalid_field
from loyalty.events import CLOCK_SKEW, MemberEvent, Purchase, body_hash
from loyalty.following import follow
from loyalty.ports import Transaction
from loyalty.records import InboxEvent


def record_purchase(tx: Transaction, purchase: Purchase) -> dict[str, Any]:
    """Record a receipt and credit what it earns. The answer carries the working, line by line."""
    member, hash_ = tx.members.lock(purchase.member_id), body_hash(purchase)
    if (answer := replay(tx, purchase.source, purchase.id, hash_, "purchase")) is not None:
        return answer
    not_in_future(tx, purchase.occurred_at)
    if purchase.currency != tx.programme.currency:
        raise invalid_field(
            "currency", "currency", f"this programme is kept in {tx.programme.currency}"
        )
    cards = tx.cards.at(member.id, purchase.occurred_at)
    facts = Facts(cards=cards, tier=member.tier)
    breakdown = earn(purchase, tx.programme.earning.rule_set, facts, tx.programme.tz)
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
        "breakdown": breakdown.to_json(),
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
        meta={"breakdown": breakdown.to_json()},
    )
    return key


def record_event(tx: Transaction, event: MemberEvent) -> dict[str, Any]:
    """Record anything else that a member did and the programme declares."""
    member, hash_ = tx.members.lock(event.member_id), body_hash(event)
    if (answer := replay(tx, event.source, event.id, hash_, "event")) is not None:
        return answer
    not_in_future(tx, event.occurred_at)
    if event.type not in tx.programme.event_types:
        raise invalid_field(
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


def replay(
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
        raise invalid_field(field, "in_future", f"is in the future; it is {tx.now.isoformat()}")
