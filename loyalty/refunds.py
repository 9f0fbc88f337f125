"""Goods come back: what a purchase earned is taken back by the rules of its own day."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from loyalty.earning.breakdown import Breakdown
from loyalty.earning.gather import give_room_back
from loyalty.earning.give_back import Kept, kept_after, kept_minor, kept_working, refund
from loyalty.earning.paid import paid_back
from loyalty.erasure import give_up
from loyalty.errors import Unknown, invalid_field
from loyalty.event_keys import event_key, key_after
from loyalty.events import CLOCK_SKEW, Refund, body_hash
from loyalty.following import follow, nudge_waiting
from loyalty.intake import earn_key, not_in_future, replay
from loyalty.journeys.goals import kept_minor as kept_of
from loyalty.members import Member
from loyalty.merging import carry_over
from loyalty.ports import Transaction, Wants
from loyalty.records import InboxEvent
from loyalty.till.give_back import CameBack
from loyalty.till.give_back import refunded as give_points_back


def refund_wants(refunded: Refund) -> Wants:
    """What recording a refund will look at; whose purchase it was is found on the way.

    Whether the refund is there already is looked up once its member is locked: the same request
    may be on its way elsewhere.
    """
    purchase = (refunded.purchase_source or refunded.source, refunded.purchase_id)
    return Wants(
        events=(purchase,),
        keys=(event_key("refund", refunded.source, refunded.id), earn_key(*purchase)),
    )


def record_refund(tx: Transaction, refunded: Refund) -> dict[str, Any]:
    """Undo a purchase or part of it: its points go by the rules and cards it was earned under.

    Any sequence of partial refunds takes back exactly what the whole would have (rule 2); what was
    spent already becomes points debt (rule 1).
    """
    source = refunded.purchase_source or refunded.source
    purchase_row = tx.inbox.find(source, refunded.purchase_id)
    if purchase_row is None or purchase_row.type != "purchase":
        hint = f"Looked for it from {source!r}: name another source in `purchase_source`."
        raise Unknown("purchase", refunded.purchase_id, hint)
    member, hash_ = tx.members.lock(purchase_row.member_id), body_hash(refunded)
    if (answer := replay(tx, refunded.source, refunded.id, hash_, "refund")) is not None:
        return answer
    not_in_future(tx, refunded.occurred_at)
    if refunded.occurred_at + CLOCK_SKEW < purchase_row.occurred_at:
        bought_at = purchase_row.occurred_at.isoformat()
        raise invalid_field("occurred_at", "too_early", f"is before the purchase: {bought_at}")
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
    key = event_key("refund", refunded.source, refunded.id)
    bought = (purchase_row.source, purchase_row.event_id)
    # Before the earned points go: what it was paid with is there again to take them from.
    back = give_points_back(
        tx,
        event_key("refund-points", refunded.source, refunded.id),
        bought,
        outcome.amount_minor,
        outcome.by_points,
        refunded.fault,
    )
    if outcome.points:
        taken = tx.ledger.reverse(
            key, earn_key(*bought), outcome.points, policy="debt", meta=_why(outcome)
        )
        if taken.member_id != member.id:  # merged since: what is owed goes to who lives on
            carry_over(tx, key_after("merged", key), taken.member_id, member.id)
    if member.status == "erased":
        give_up(tx, key_after("erased", key), member.id)
    give_room_back(tx, member.id, outcome.kept, refunded.occurred_at)
    tx.inbox.refunded(purchase_row.seq, purchase_row.refunded_minor + outcome.amount_minor)
    answer = {
        "seq": seq,
        "purchase": purchase_row.event_id,
        "amount_minor": outcome.amount_minor,
        "cash_minor": back.cash_minor,
        "points_returned": back.points,
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

    `taken_before` is what earlier refunds took. `was_last`: with this one the purchase is no longer
    any; true of one refund of each at most.
    """

    amount_minor: int
    by_points: CameBack
    taken_before: int
    points: int
    was_last: bool
    kept: Kept


def _why(outcome: Undone) -> dict[str, Any]:
    """The working of what is taken back: what the purchase had earned less these two."""
    why: dict[str, Any] = {"taken_before": outcome.taken_before}
    kept = outcome.kept
    if any(kept.after):
        why["kept"] = kept_working(kept.breakdown, kept.after).to_json()
    return why


def _working(tx: Transaction, purchase: InboxEvent) -> Breakdown:
    """How the purchase earned, as sealed with its points; of one that earned none, as answered."""
    try:
        sealed = tx.ledger.transaction(earn_key(purchase.source, purchase.event_id)).meta
    except Unknown:
        sealed = {}
    return Breakdown.from_json(sealed.get("breakdown") or purchase.answer["breakdown"])


def _undo(tx: Transaction, purchase: InboxEvent, refunded: Refund) -> Undone:
    breakdown = _working(tx, purchase)
    before = [line.quantity for line in breakdown.lines]
    reversed_points = 0
    for row in tx.inbox.refunds_of(purchase.seq):
        before = kept_after(before, Refund.model_validate(row.body).lines)
        reversed_points += int(row.answer["points_reversed"])
    if not any(before):
        raise invalid_field("purchase_id", "refunded", "was refunded whole already")
    after = kept_after(before, refunded.lines)
    paid, still_paid = sum(kept_minor(breakdown, before)), sum(kept_minor(breakdown, after))
    # A free gift may stay behind or come back later; a receipt of nothing else ends with the last.
    over_money = bool(purchase.amount_minor)
    return Undone(
        amount_minor=paid - still_paid,
        by_points=CameBack(
            whole_minor=paid_back(breakdown, [0] * len(after)),
            before_minor=paid_back(breakdown, before),
            after_minor=paid_back(breakdown, after),
        ),
        taken_before=reversed_points,
        points=refund(breakdown, after, reversed_points),
        was_last=paid > 0 == still_paid if over_money else not any(after),
        kept=Kept(breakdown, before, after),
    )
