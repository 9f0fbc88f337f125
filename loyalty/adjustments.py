"""Corrections by hand: one person proposes, another approves, and an entry of its own is posted.

Nothing that was posted is ever changed. Source: rule 15.
"""

from dataclasses import replace
from typing import Any

from pydantic import Field, field_validator

from loyalty.digest import digest
from loyalty.errors import KeyReused
from loyalty.member_moves import Adjustment, Asked, Reason, SecondPersonNeeded
from loyalty.ports import Transaction


class Proposal(Asked):
    """So many points more or less, and why. No names or addresses in the reason."""

    points: int = Field(ge=-10_000_000, le=10_000_000, strict=True, description="Never 0")
    reason: Reason

    @field_validator("points")
    @classmethod
    def _something(cls, value: int) -> int:
        if value == 0:
            raise ValueError("must not be 0")
        return value


def propose(tx: Transaction, member_id: str, proposal: Proposal, actor: str) -> dict[str, Any]:
    """Put a correction up for a second person; no point moves yet."""
    hash_ = digest({"member": member_id, **proposal.model_dump(mode="json")})
    member = tx.members.lock(member_id)
    known = tx.member_moves.adjustment(proposal.id)
    if known is not None:
        if known.body_hash != hash_:
            raise KeyReused("adjustment", proposal.id)
        return _answer(known) | {"replayed": True}
    made = Adjustment(
        proposal.id, member.id, proposal.points, proposal.reason, actor, tx.now, hash_
    )
    tx.member_moves.propose(made)
    said = {"adjustment": made.id, "points": made.points}
    tx.audit.add(actor, "adjustment.propose", member.id, made.reason, said)
    return _answer(made) | {"replayed": False}


def approve(tx: Transaction, adjustment_id: str, actor: str) -> dict[str, Any]:
    """Post what somebody else proposed, once. Approving again changes nothing.

    Raises SecondPersonNeeded for whoever proposed it, NotEnoughPoints, Unknown.
    """
    found = tx.member_moves.adjustment(adjustment_id)
    member = tx.members.lock(found.member_id) if found else None
    adjustment = tx.member_moves.lock_adjustment(adjustment_id)
    assert member is not None  # an adjustment that is there names a member
    if adjustment.proposed_by == actor:
        raise SecondPersonNeeded(
            "Who proposed a correction does not approve it: another key has to.",
            proposed_by=adjustment.proposed_by,
        )
    if adjustment.approved_by is not None:
        return _answer(adjustment) | {"replayed": True}
    expiry = tx.programme.expiry.of(tx.now, tx.now, tx.programme.tz)
    tx.ledger.adjust(
        _key(adjustment.id),
        member.id,
        adjustment.points,
        expires_at=expiry if adjustment.points > 0 else None,
        meta={
            "reason": adjustment.reason,
            "proposed_by": adjustment.proposed_by,
            "approved_by": actor,
        },
    )
    done = replace(adjustment, approved_by=actor, approved_at=tx.now)
    tx.member_moves.approve(done)
    said = {"adjustment": done.id, "points": done.points}
    tx.audit.add(actor, "adjustment.approve", member.id, done.reason, said)
    return _answer(done) | {"replayed": False}


def _key(id: str) -> str:
    return f"adjust:{id}"


def _answer(adjustment: Adjustment) -> dict[str, Any]:
    approved = adjustment.approved_by is not None
    return {
        "id": adjustment.id,
        "member_id": adjustment.member_id,
        "points": adjustment.points,
        "reason": adjustment.reason,
        "status": "approved" if approved else "proposed",
        "proposed_by": adjustment.proposed_by,
        "approved_by": adjustment.approved_by,
        "transaction": _key(adjustment.id) if approved else None,
    }
