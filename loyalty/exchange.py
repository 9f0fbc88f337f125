"""Claims on exchange offers: reserve, then confirm, or give everything back.

A reservation takes stock, counts against the member's limit and holds the points in one
transaction, or takes nothing at all. From its deadline on it is void: readers count its stock and
points as free, and its own order, or the next claim that needs them, gives them back.
Source: rule 21.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from loyalty.admission import facts_of
from loyalty.audiences.history import with_history
from loyalty.conditions import MEMBER
from loyalty.errors import KeyReused, LoyaltyError, Unknown, WrongState
from loyalty.event_keys import key_after
from loyalty.exchange_order import (
    decide,
    free_stock,
    locked_claim,
    return_points,
    run_out,
    workflow_id,
)
from loyalty.failing import failing
from loyalty.ledger import NotEnoughPoints
from loyalty.members import Member
from loyalty.offers import (
    Claim,
    ClaimRequest,
    Fault,
    LimitReached,
    NotEligible,
    Offer,
    OfferNotOpen,
    SoldOut,
    claim_answer,
)
from loyalty.ports import Transaction, Wants
from loyalty.refused_claim import ClaimRefusal, RefusedClaim

_CAUSES: Mapping[type[LoyaltyError], ClaimRefusal] = {
    SoldOut: "sold_out",
    NotEligible: "not_eligible",
    LimitReached: "limit_reached",
    NotEnoughPoints: "not_enough_points",
}
_FIGURES = (
    "opens_at", "closes_at", "asked", "remaining", "taken", "per_member", "needed", "available",
    "who",
)  # fmt: skip
"""What is kept of the facts that were answered; ids are columns of their own."""


def claim_wants(request: ClaimRequest) -> Wants:
    """What a claim will look at."""
    return Wants(
        members=(request.member_id,),
        keys=(hold_key(request),),
        offers=(request.campaign_id,),
        claims=(request.claim_id,),
    )


def hold_key(request: ClaimRequest) -> str:
    """The ledger key of a claim's hold, and the hold's id."""
    return f"claim:{request.campaign_id}:{request.request_id}"


def reserve(tx: Transaction, request: ClaimRequest) -> dict[str, Any] | LoyaltyError:
    """Set stock and points aside for a member, once for each request id, or say why not.

    The same request again gets the first answer again, also when the claim is over by then.
    OfferNotOpen, NotEligible, SoldOut, LimitReached and NotEnoughPoints are answers, not raised:
    they are kept, and nothing was taken. Raises KeyReused for another body, WrongState, Unknown.
    """
    try:
        return _reserve(tx, request)
    except (OfferNotOpen, NotEligible, SoldOut, LimitReached, NotEnoughPoints) as refused:
        cause = refused.cause if isinstance(refused, OfferNotOpen) else _CAUSES[type(refused)]
        facts = {name: refused.facts[name] for name in _FIGURES if name in refused.facts}
        if isinstance(refused, NotEligible):
            facts["failed"] = refused.failed
        tx.offers.refuse(
            RefusedClaim(
                member_id=tx.members.lock(request.member_id).id,
                offer_id=request.campaign_id,
                reason=cause,
                request_id=request.request_id,
                quantity=request.quantity,
                at=tx.now,
                facts=facts,
            )
        )
        return refused.with_traceback(None)


def confirm(tx: Transaction, claim_id: str) -> dict[str, Any]:
    """The shop hands the goods over: the held points are spent. Confirming again changes nothing.

    Raises WrongState once the reservation was released or its time ran out.
    """
    claim = locked_claim(tx, claim_id)
    if claim.status == "confirmed":
        return claim_answer(claim, "confirmed", replayed=True)
    status = claim.status_at(tx.now)
    if status != "reserved":
        over = (
            f"ran out at {claim.expires_at.isoformat()}" if status == "expired" else "was released"
        )
        raise WrongState(
            f"The reservation {claim.id!r} {over}; stock and points are given back. "
            "Reserve again with a new request id.",
            claim_id=claim.id,
            status=status,
            expires_at=claim.expires_at.isoformat(),
        )
    tx.ledger.confirm(claim.hold_id, key_after("confirm", claim.hold_id))
    claim = replace(claim, status="confirmed", settled_at=tx.now)
    tx.offers.settle_claim(claim)
    tx.outbox.add("nudge_order", workflow_id(claim.id), {"reason": "confirmed"})
    decide(tx, claim, "done", "claim_confirmed")
    return claim_answer(claim, "confirmed", replayed=False)


def release(
    tx: Transaction, claim_id: str, fault: Fault = "member", reason: str = "cancelled"
) -> dict[str, Any]:
    """Give stock, limit and points of a reservation back, once. Releasing again changes nothing.

    By the merchant's fault points that lapsed while they were held live on for a while (rule 7).
    `fault` and `reason` (a short code) are kept in the decision, for reports. Raises WrongState
    once the claim was confirmed: a confirmed exchange is final here.
    """
    claim = locked_claim(tx, claim_id)
    if claim.status == "confirmed":
        raise WrongState(
            f"Claim {claim.id!r} was confirmed: its points are spent and the goods handed over. "
            "Only a reservation can be released.",
            claim_id=claim.id,
            status=claim.status,
        )
    if claim.status != "reserved":
        return claim_answer(claim, claim.status, replayed=True)
    if claim.overdue(tx.now):
        claim = run_out(tx, claim)
    else:
        inputs = {"fault": fault, "cause": reason}
        claim = free_stock(tx, claim, "released", "claim_released", inputs=inputs)
        return_points(tx, claim, fault, reason)
    tx.outbox.add("nudge_order", workflow_id(claim.id), {"reason": claim.status})
    return claim_answer(claim, claim.status, replayed=False)


def _reserve(tx: Transaction, request: ClaimRequest) -> dict[str, Any]:
    member = tx.members.lock(request.member_id)
    known = tx.offers.claim(request.claim_id)
    if known is not None:
        return _first_answer(known, request)
    offer = tx.offers.get(request.campaign_id)
    if offer is None:
        raise Unknown("offer", request.campaign_id)
    if member.status != "active":
        raise WrongState(f"Member {member.id!r} is {member.status}.", member_id=member.id)
    _require_open(tx, offer)
    _require_eligible(tx, offer, member)
    for claim in tx.offers.overdue(
        tx.now, offer.per_member, offer_id=offer.id, member_id=member.id
    ):
        run_out(tx, claim)
    # Whatever refuses comes before anything is taken: so a refusal can be kept with the rest.
    _need_stock(tx, offer, request.quantity)
    if tx.offers.counted(offer.id, member.id) + request.quantity > offer.per_member:
        taken = tx.offers.taken(offer.id, [member.id], tx.now)[member.id]
        raise LimitReached(offer, member.id, request.quantity, taken)
    claim = _hold_points(tx, offer, request, member.id)
    tx.offers.take(claim)
    tx.offers.add_claim(claim)
    brief = {"claim_id": claim.id, "campaign_id": offer.id, "turn": 0}
    tx.outbox.add("start_order", workflow_id(claim.id), brief)
    decide(tx, claim, "waiting", "claim_reserved", until=claim.expires_at)
    return claim_answer(claim, "reserved", replayed=False)


def _first_answer(claim: Claim, request: ClaimRequest) -> dict[str, Any]:
    if claim.body_hash != request.body_hash:
        raise KeyReused("request_id", request.request_id)
    return claim_answer(claim, "reserved", replayed=True)


def _require_open(tx: Transaction, offer: Offer) -> None:
    """Campaign, state and window all have to say yes; the window is half open."""
    campaign = tx.campaigns.get(offer.id)
    if campaign is None or campaign.state in ("draft", "stopped"):
        # Stopping closes the offer as well: that it was stopped says more than that it is closed.
        state, ended = (campaign.state, campaign.ended_at) if campaign else ("gone", None)
        since = f" since {ended.isoformat()}" if ended else ""
        raise OfferNotOpen(offer, "stopped", f"the campaign is {state}{since}")
    if campaign.state == "paused":
        raise OfferNotOpen(offer, "paused", "the campaign is paused")
    if offer.state == "closed" or tx.now >= offer.closes_at:
        raise OfferNotOpen(offer, "too_late", f"it closed at {offer.closes_at.isoformat()}")
    if offer.state == "announced" or tx.now < offer.opens_at:
        raise OfferNotOpen(offer, "too_early", f"it opens at {offer.opens_at.isoformat()}")


def _require_eligible(tx: Transaction, offer: Offer, member: Member) -> None:
    """The offer's own condition, judged by the member as they are at this moment."""
    if offer.who is None:
        return
    facts = with_history(tx, member, facts_of(tx, member), [offer.who])
    if failed := failing(offer.who, MEMBER, facts):
        raise NotEligible(offer, failed)


def _need_stock(tx: Transaction, offer: Offer, quantity: int) -> None:
    if tx.offers.left(offer.id, quantity):
        return
    # What void reservations still occupy is shown as free, so it must be there for the taking.
    # Each frees at least one unit: as many as are asked for are always enough.
    # Their points stay for their own orders: no member's book is touched by another's claim.
    freed = tx.offers.overdue(tx.now, quantity, offer_id=offer.id)
    for claim in freed:
        free_stock(tx, claim, "expired", "claim_expired")
    if freed and tx.offers.left(offer.id, quantity):
        return
    now = tx.offers.get(offer.id) or offer
    if now.state != "open":
        raise OfferNotOpen(now, "too_late", "it was closed this moment")
    raise SoldOut(offer.id, quantity, now.remaining)


def _hold_points(tx: Transaction, offer: Offer, request: ClaimRequest, member_id: str) -> Claim:
    points = offer.points * request.quantity
    expires_at = tx.now + offer.hold
    posted = tx.ledger.hold(hold_key(request), member_id, points, expires_at=expires_at)
    return Claim(
        id=request.claim_id,
        offer_id=offer.id,
        member_id=member_id,
        request_id=request.request_id,
        body_hash=request.body_hash,
        quantity=request.quantity,
        points=points,
        status="reserved",
        reserved_at=tx.now,
        expires_at=expires_at,
        hold_id=posted.hold_id or posted.key,
    )
