"""Points from one member to another: with their own expiry, and so many a month (feature 40).

Nobody in debt gives, nobody who joined just now gives, and what is given does not count for tiers.
Source: rule 25.
"""

from datetime import timedelta
from typing import Any

from pydantic import Field

from loyalty.digest import digest
from loyalty.errors import KeyReused, invalid_field
from loyalty.member_moves import Asked, GiftRefused, MemberMove
from loyalty.members import Member, needs_active
from loyalty.ports import Transaction, Wants
from loyalty.programme import Gifting
from loyalty.registration import MEMBER_ID
from loyalty.timing import start_of_month


class Gift(Asked):
    """Points for another member."""

    to: str = Field(pattern=MEMBER_ID, description="The member who receives")
    points: int = Field(ge=1, le=10_000_000, strict=True)


def gift_wants(member_id: str, gift: Gift) -> Wants:
    """What a gift will look at: both books, locked in one order."""
    return Wants(members=(member_id, gift.to), keys=(_key(gift),))


def give(tx: Transaction, member_id: str, gift: Gift) -> dict[str, Any]:
    """Hand live points over, those that lapse soonest first.

    Raises GiftRefused with the rule in `rule`, NotEnoughPoints, WrongState, KeyReused.
    """
    hash_ = digest({"member": member_id, **gift.model_dump(mode="json")})
    sender, receiver = two(tx, member_id, gift.to)
    known = tx.member_moves.find("gift", gift.id)
    if known is not None:
        if known.body_hash != hash_:
            raise KeyReused("gift", gift.id)
        return {**known.answer, "replayed": True}
    if sender.id == receiver.id:
        raise invalid_field("to", "same", "must be another member")
    _allowed(tx, tx.programme.gifting, sender, receiver, gift.points)
    posted = tx.ledger.transfer(_key(gift), sender.id, receiver.id, gift.points, kind="gift")
    answer = {
        "id": gift.id,
        "from": sender.id,
        "to": receiver.id,
        "points": gift.points,
        "transaction": posted.key,
        "available": posted.available_after,
    }
    move = MemberMove("gift", gift.id, sender.id, receiver.id, gift.points, tx.now, hash_, answer)
    tx.member_moves.add(move)
    return {**answer, "replayed": False}


def _key(gift: Gift) -> str:
    return f"gift:{gift.id}"


def two(tx: Transaction, one_id: str, other_id: str) -> tuple[Member, Member]:
    """Two members, locked in the order of their ids, so that no two callers wait for each other."""
    locked = {id: tx.members.lock(id) for id in sorted({one_id, other_id})}
    return locked[one_id], locked[other_id]


def _allowed(
    tx: Transaction, rules: Gifting, sender: Member, receiver: Member, points: int
) -> None:
    for each in (sender, receiver):
        needs_active(each)
    opens = sender.registered_at + timedelta(days=rules.wait_days)
    if tx.now < opens:
        raise GiftRefused(
            f"New members give from {opens.isoformat()} on.", rule="new_account", opens_at=opens
        )
    debt = tx.ledger.balance(sender.id).debt
    if debt:
        raise GiftRefused(
            f"{debt} points are owed: the next points repay them first.", rule="debt", debt=debt
        )
    since = start_of_month(tx.now, tx.programme.tz)
    sent, _ = tx.member_moves.gifted(sender.id, since)
    _, received = tx.member_moves.gifted(receiver.id, since)
    for rule, used, cap in (
        ("sent_monthly", sent, rules.sent_monthly),
        ("received_monthly", received, rules.received_monthly),
    ):
        if used + points > cap:
            left = max(0, cap - used)
            raise GiftRefused(
                f"{cap} points a month are the most; {left} are left.",
                rule=rule,
                limit=cap,
                left=left,
            )
