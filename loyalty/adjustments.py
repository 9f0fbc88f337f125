"""Corrections by hand: one person proposes, another approves, and an entry of its own is posted.

The other may also decline, with a reason. Nothing that was posted is ever changed. Source: rule 15.
"""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field, field_validator

from loyalty.digest import digest
from loyalty.errors import KeyReused, Unknown, WrongState
from loyalty.ledger import Balance
from loyalty.member_moves import Adjustment, Asked, Reason, SecondPersonNeeded
from loyalty.members import Member, needs_active
from loyalty.ports import Transaction, Wants


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
    """Put a correction up for a second person; no point moves yet.

    Raises KeyReused, WrongState for who is no member any more, Unknown.
    """
    hash_ = digest({"member": member_id, **proposal.model_dump(mode="json")})
    member = tx.members.lock(member_id)
    known = tx.member_moves.adjustment(proposal.id)
    if known is not None:
        if known.body_hash != hash_:
            raise KeyReused("adjustment", proposal.id)
        return _answer(known) | {"replayed": True}
    needs_active(member)
    made = Adjustment(
        proposal.id, member.id, proposal.points, proposal.reason, actor, tx.now, hash_
    )
    tx.member_moves.propose(made)
    said = {"adjustment": made.id, "points": made.points}
    tx.audit.add(actor, "adjustment.propose", member.id, made.reason, said)
    return _answer(made) | {"replayed": False}


def approval_wants(tx: Transaction, adjustment_id: str) -> Wants:
    """What approving will look at, told from a look beforehand; nothing where there is none."""
    found = tx.member_moves.adjustment(adjustment_id)
    return Wants(members=(found.member_id,), keys=(_key(found.id),)) if found else Wants()


def approve(tx: Transaction, adjustment_id: str, actor: str) -> dict[str, Any]:
    """Post what somebody else proposed, once. Approving again changes nothing.

    Who was merged since gets it on the membership that lives on (rule 18). Raises
    SecondPersonNeeded for whoever proposed it, NotEnoughPoints, WrongState once it is declined or
    the member was erased, Unknown.
    """
    adjustment, member = _locked(tx, adjustment_id, actor)
    if adjustment.status == "approved":
        return _answer(adjustment) | {"replayed": True}
    _still_open(adjustment, "approved")
    needs_active(member)
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
    done = replace(adjustment, status="approved", approved_by=actor, approved_at=tx.now)
    tx.member_moves.settle_adjustment(done)
    said = {"adjustment": done.id, "points": done.points}
    tx.audit.add(actor, "adjustment.approve", member.id, done.reason, said)
    return _answer(done) | {"replayed": False}


def decline(tx: Transaction, adjustment_id: str, reason: str, actor: str) -> dict[str, Any]:
    """Turn down what somebody else proposed; no point moves. Declining again changes nothing.

    Raises SecondPersonNeeded for whoever proposed it, WrongState once it is posted, Unknown.
    """
    adjustment, _ = _locked(tx, adjustment_id, actor)
    if adjustment.status == "declined":
        return _answer(adjustment) | {"replayed": True}
    _still_open(adjustment, "declined")
    done = replace(
        adjustment,
        status="declined",
        declined_by=actor,
        declined_at=tx.now,
        decline_reason=reason,
    )
    tx.member_moves.settle_adjustment(done)
    said = {"adjustment": done.id, "points": done.points}
    tx.audit.add(actor, "adjustment.decline", done.member_id, reason, said)
    return _answer(done) | {"replayed": False}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a correction would do to what the member can spend; nothing is posted."""

    available: int
    available_after: int
    debt_after: int
    enough: bool  # false = approving would be refused: the member has too few points


def effect(balance: Balance, points: int) -> Effect:
    """What so many points more or less would do: points added pay what is owed first."""
    if points < 0:
        enough = balance.available + points >= 0
        after = balance.available + points if enough else balance.available
        return Effect(balance.available, after, balance.debt, enough)
    if not balance.debt:
        return Effect(balance.available, balance.available + points, 0, True)
    repaid = min(points, balance.debt)
    free = balance.posted - balance.held - sum(part for _, part in balance.pending)
    after = max(0, free + points - balance.debt)
    return Effect(balance.available, after, balance.debt - repaid, True)


def _locked(tx: Transaction, adjustment_id: str, actor: str) -> tuple[Adjustment, Member]:
    """The proposal and who it is for today, locked first; refused to whoever proposed it."""
    found = tx.member_moves.adjustment(adjustment_id)
    if found is None:
        raise Unknown("adjustment", adjustment_id)
    member = tx.members.lock(found.member_id)
    adjustment = tx.member_moves.lock_adjustment(adjustment_id)
    if adjustment.proposed_by == actor:
        raise SecondPersonNeeded(
            "Who proposed a correction does not decide on it: another person has to.",
            proposed_by=adjustment.proposed_by,
        )
    return adjustment, member


def _still_open(adjustment: Adjustment, wanted: str) -> None:
    if adjustment.status != "proposed":
        raise WrongState(
            f"Correction {adjustment.id!r} is {adjustment.status}: it cannot be {wanted} any more.",
            state=adjustment.status,
        )


def _key(id: str) -> str:
    return f"adjust:{id}"


def _answer(adjustment: Adjustment) -> dict[str, Any]:
    approved = adjustment.status == "approved"
    return {
        "id": adjustment.id,
        "member_id": adjustment.member_id,
        "points": adjustment.points,
        "reason": adjustment.reason,
        "status": adjustment.status,
        "proposed_by": adjustment.proposed_by,
        "proposed_at": adjustment.proposed_at.isoformat(),
        "approved_by": adjustment.approved_by,
        "declined_by": adjustment.declined_by,
        "decline_reason": adjustment.decline_reason,
        "transaction": _key(adjustment.id) if approved else None,
    }
