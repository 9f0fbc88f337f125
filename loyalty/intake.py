"""Events come in: recorded once, points at once, and every waiting journey told.

One transaction holds the inbox row, the earn posting with its working, and an outbox row for each
journey whose next move the event changes. Sending the same body again gives the first answer;
another body under the same id raises KeyReused (rule 14).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from loyalty.earning.activate import rules_at
from loyalty.earning.earn import earn, earn_act
from loyalty.earning.gather import count_earned, facts_of_act, facts_of_purchase
from loyalty.earning.ready import ready
from loyalty.errors import KeyReused, invalid_field
from loyalty.event_keys import event_key
from loyalty.events import CLOCK_SKEW, MemberEvent, Purchase, body_hash
from loyalty.following import follow
from loyalty.members import Member, needs_active
from loyalty.ports import Transaction, Wants
from loyalty.records import InboxEvent
from loyalty.till.paid import require_paid


def purchase_wants(purchase: Purchase) -> Wants:
    """What recording a receipt will look at."""
    return Wants(
        members=(purchase.member_id,),
        events=((purchase.source, purchase.id),),
        keys=(earn_key(purchase.source, purchase.id),),
    )


def event_wants(event: MemberEvent) -> Wants:
    """What recording another act will look at."""
    return Wants(members=(event.member_id,), events=((event.source, event.id),))


def record_purchase(tx: Transaction, purchase: Purchase) -> dict[str, Any]:
    """Record a receipt and credit what it earns. The answer carries the working, line by line."""
    member, hash_ = tx.members.lock(purchase.member_id), body_hash(purchase)
    if (answer := replay(tx, purchase.source, purchase.id, hash_, "purchase")) is not None:
        return answer
    needs_active(member)
    not_in_future(tx, purchase.occurred_at)
    require_currency(tx, purchase.currency)
    require_paid(tx, purchase, member)
    rules = rules_at(tx, purchase.occurred_at)
    facts = facts_of_purchase(tx, member, purchase, rules)
    breakdown = earn(purchase, rules, facts, tx.programme.tz)
    seq = tx.inbox.number()
    points, working = breakdown.points, breakdown.to_json()
    key = earn_key(purchase.source, purchase.id) if points else None
    answer = {
        "first_purchase": member.purchases == 0,
        "seq": seq,
        "points": points,
        "breakdown": working,
        "transaction": key,
    }
    event = InboxEvent(
        seq=seq,
        source=purchase.source,
        event_id=purchase.id,
        type="purchase",
        member_id=member.id,
        occurred_at=purchase.occurred_at,
        recorded_at=tx.now,
        body=purchase.model_dump(mode="json"),
        answer=answer,
        body_hash=hash_,
        store=purchase.store,
        channel=purchase.channel,
        amount_minor=purchase.net_minor,
    )
    tx.inbox.add(event)
    if key:
        _credit(tx, key, event, points, working)
    count_earned(tx, member.id, breakdown)
    bought = replace(
        member,
        purchases=member.purchases + 1,
        spend_minor=member.spend_minor + (event.amount_minor or 0),
        first_purchase_at=min(member.first_purchase_at or event.occurred_at, event.occurred_at),
        last_purchase_at=max(member.last_purchase_at or event.occurred_at, event.occurred_at),
    )
    tx.members.save(bought)
    follow(tx, bought, event, seq)
    return {**answer, "replayed": False}


def earn_key(source: str, purchase_id: str) -> str:
    """The ledger key of what a purchase earned, known before it is posted."""
    return event_key("purchase", source, purchase_id)


def _credit(
    tx: Transaction, key: str, event: InboxEvent, points: int, working: Mapping[str, Any]
) -> str:
    expiry, zone = tx.programme.expiry, tx.programme.tz
    if event.type == "purchase":
        opens, lapse = expiry.of_purchase(event.occurred_at, tx.now, zone)
    else:
        opens, lapse = None, expiry.of(event.occurred_at, tx.now, zone)
    tx.ledger.earn(
        key,
        event.member_id,
        points,
        expires_at=lapse,
        source=event.type,
        effective_at=event.occurred_at,
        available_at=opens,
        meta={"breakdown": working},
    )
    return key


def record_event(tx: Transaction, event: MemberEvent) -> dict[str, Any]:
    """Record anything else that a member did and the programme declares."""
    member, hash_ = tx.members.lock(event.member_id), body_hash(event)
    if (answer := replay(tx, event.source, event.id, hash_, "event")) is not None:
        return answer
    needs_active(member)
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
    answer = {"seq": seq, **_earned_by_act(tx, member, event, row)}
    tx.inbox.answer(seq, answer)
    follow(tx, member, replace(row, answer=answer), seq)
    return {**answer, "replayed": False}


def _earned_by_act(
    tx: Transaction, member: Member, event: MemberEvent, row: InboxEvent
) -> dict[str, Any]:
    """What the act earns and why; nothing where no rule of the day is about such acts."""
    rules = rules_at(tx, event.occurred_at)
    if event.type not in ready(rules, tx.programme.tz).acts:
        return {}
    breakdown = earn_act(event, rules, facts_of_act(tx, member, event, rules), tx.programme.tz)
    points, working = breakdown.points, breakdown.to_json()
    key = event_key("event", event.source, event.id)
    posted = _credit(tx, key, row, points, working) if points else None
    count_earned(tx, member.id, breakdown)
    return {"points": points, "breakdown": working, "transaction": posted}


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


def require_currency(tx: Transaction, currency: str) -> None:
    """Points are worth something in the programme's currency only."""
    kept_in = tx.programme.currency
    if currency != kept_in:
        raise invalid_field("currency", "currency", f"must be {kept_in}, as this programme is")
