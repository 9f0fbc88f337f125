"""The order behind a claim: it waits for the shop's word, and settles when none comes.

Here too are the two acts that every way of ending a claim shares: lock it, give everything back.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from loyalty.errors import Unknown
from loyalty.held_points import let_go
from loyalty.journeys.waking import with_sleep
from loyalty.ledger import HoldClosed
from loyalty.offers import Claim, ClaimStatus, Fault
from loyalty.ports import Transaction
from loyalty.records import Decision


def settle(
    tx: Transaction, claim_id: str, turn: int, due: datetime | None = None
) -> dict[str, Any]:
    """A turn of an order: wait for the shop's word until the deadline, then give everything back.

    The claim's own row says what happened, so a repeated turn needs no stored outcome. `due` is
    the instant the order's timer was set to, reached even where the clock is a moment behind.
    """
    claim = locked_claim(tx, claim_id)
    now = max(tx.now, due) if due else tx.now
    if claim.overdue(now):
        claim = free_stock(tx, claim, "expired", "claim_expired", turn=turn)
    if claim.status == "expired":
        # Also when another member's claim freed the stock before: that one left the points alone.
        return_points(tx, claim)
    if claim.status == "reserved":
        waiting = {
            "ended": False,
            "wake_at": claim.expires_at.isoformat(),
            "summary": "Reserved: waits to be confirmed",
            "details": (
                f"**Reserved**: {claim.quantity} of {claim.offer_id}, {claim.points} points held "
                f"until {claim.expires_at.isoformat()}."
            ),
            "next_summary": "Settle the order",
        }
        return with_sleep(waiting, now)
    return {
        "ended": True,
        "outcome": claim.status,
        "sleep_seconds": None,
        "details": f"**{claim.status.capitalize()}**: {claim.quantity} of {claim.offer_id}.",
    }


def workflow_id(claim_id: str) -> str:
    return f"x/{claim_id}"


def locked_claim(tx: Transaction, claim_id: str) -> Claim:
    """The claim, with its member locked first; that order keeps claims free of deadlocks."""
    found = tx.offers.claim(claim_id)
    if found is None:
        raise Unknown("claim", claim_id)
    tx.members.lock(found.member_id)
    return tx.offers.lock_claim(claim_id)


def run_out(tx: Transaction, claim: Claim) -> Claim:
    """Nobody confirmed in time: stock, limit and points come back. The claim must be locked."""
    claim = free_stock(tx, claim, "expired", "claim_expired")
    return_points(tx, claim)
    return claim


def free_stock(
    tx: Transaction,
    claim: Claim,
    status: ClaimStatus,
    reason: str,
    *,
    inputs: dict[str, Any] | None = None,
    turn: int | None = None,
) -> Claim:
    """End a reservation and return its units; its points are its own order's business."""
    tx.offers.give_back(claim)
    claim = replace(claim, status=status, settled_at=tx.now)
    tx.offers.settle_claim(claim)
    decide(tx, claim, "ended", reason, inputs=inputs, turn=turn)
    return claim


def return_points(
    tx: Transaction, claim: Claim, fault: Fault = "member", cause: str = "expired"
) -> None:
    """Give the hold back, unless the ledger did so when its time ran out.

    By the shop's fault also what lapsed meanwhile, for a while (rule 7).
    """
    try:
        let_go(tx, claim.hold_id, fault, cause)
    except HoldClosed as closed:
        if closed.status == "confirmed":
            raise  # points spent for a claim that is not confirmed: never to be papered over


def decide(
    tx: Transaction,
    claim: Claim,
    verdict: str,
    reason: str,
    *,
    inputs: dict[str, Any] | None = None,
    turn: int | None = None,
    until: datetime | None = None,
) -> None:
    campaign = tx.campaigns.get(claim.offer_id)
    figures = {"claim_id": claim.id, "quantity": claim.quantity, "points": claim.points}
    tx.decisions.add(
        Decision(
            key=f"{workflow_id(claim.id)}:{reason}",
            campaign_id=claim.offer_id,
            version=campaign.version if campaign else 0,
            member_id=claim.member_id,
            step_id="claim",
            verdict=verdict,
            reason=reason,
            at=tx.now,
            inputs=figures | (inputs or {}),
            turn=turn,
            until=until,
        )
    )
