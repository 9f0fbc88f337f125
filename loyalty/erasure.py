"""Who leaves is forgotten: the person goes, the figures and the ledger's chain stay.

Points leave by an entry of that name, and journeys end. The id stays, so that books can be proved
and nobody joins under it again. Source: rule 19.
"""

from dataclasses import replace
from typing import Any

from loyalty.digest import digest
from loyalty.errors import KeyReused, WrongState
from loyalty.member_moves import Asked, MemberMove, Reason
from loyalty.members import needs_active
from loyalty.ports import Transaction
from loyalty.reconcile import start_again


class Erasure(Asked):
    """Why a member is erased. No names or addresses: this stays in the audit trail."""

    reason: Reason


def erase(tx: Transaction, member_id: str, erasure: Erasure, actor: str) -> dict[str, Any]:
    """Forget a member for good. The same again gets the first answer.

    Raises WrongState while points are on hold, or for a member who was merged.
    """
    hash_ = digest({"member": member_id, **erasure.model_dump(mode="json")})
    member = tx.members.lock(member_id)
    known = tx.member_moves.find("erase", erasure.id)
    if known is not None:
        if known.body_hash != hash_:
            raise KeyReused("erasure", erasure.id)
        return {**known.answer, "replayed": True}
    if member.id != member_id:
        raise WrongState(f"Member {member_id!r} was merged into {member.id!r}.", into=member.id)
    needs_active(member)
    points = give_up(tx, f"erase:{erasure.id}", member_id)
    tx.member_moves.forget(member_id)
    tx.members.save(
        replace(
            member,
            status="erased",
            source=None,
            name=None,
            email=None,
            phone=None,
            phone_digits=None,
            card_no=None,
            birthday=None,
            time_zone=None,
            inviter_id=None,
            tags=(),
            stop_listed=True,
        )
    )
    for journey in tx.enrolments.running(member_id):
        start_again(tx, journey, "the member was erased")  # the next turn ends it as `erased`
    tx.tiers.review_at(member_id, None, None)
    answer = {"id": erasure.id, "member_id": member_id, "forfeited_points": points}
    tx.audit.add(actor, "member.erase", member_id, erasure.reason, {"points": points})
    tx.member_moves.add(
        MemberMove("erase", erasure.id, member_id, None, points, tx.now, hash_, answer)
    )
    return {**answer, "replayed": False}


def give_up(tx: Transaction, key: str, member_id: str) -> int:
    """All points of who leaves go by an entry of that name, and what is owed with them; how many.

    Also what comes back after it: nobody could ever spend it (rule 19).
    """
    balance = tx.ledger.balance(member_id)
    if balance.posted or balance.debt:
        tx.ledger.forfeit(key, member_id)
    return balance.posted
