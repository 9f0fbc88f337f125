"""An exchange offer's own life: announced, open, closed.

Closing gives nothing back by itself: a reservation made before the end may still be confirmed until
its own deadline, and then gives its stock and points back like any other. A member who clicked in
the last second is not cheated of the time to pay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from loyalty.errors import KeyReused, Unknown, WrongState
from loyalty.journeys.compiled import Exchange
from loyalty.offers import Offer, OfferSpec
from loyalty.ports import Transaction


def offer_of(exchange: Exchange) -> OfferSpec:
    """What a campaign's exchange offers."""
    return OfferSpec(
        title=exchange.title.model_dump(),
        sku=exchange.sku,
        points=exchange.points,
        stock=exchange.stock,
        per_member=exchange.per_member,
        hold_seconds=exchange.hold.days * 86_400 + exchange.hold.seconds,
        who=exchange.who,
        opens_at=exchange.opens_at,
        closes_at=exchange.closes_at,
    )


def announce_offer(tx: Transaction, campaign_id: str, spec: OfferSpec) -> dict[str, Any]:
    """Make the offer known, not yet to be claimed. Announcing the same again changes nothing."""
    figures = spec.model_dump()
    offer = Offer(id=campaign_id, remaining=spec.stock, state="announced", **figures)
    if not tx.offers.add(offer):
        known = _offer(tx, campaign_id)
        if replace(known, remaining=offer.remaining, state=offer.state) != offer:
            raise KeyReused("offer", campaign_id)
    return offer_answer(tx, campaign_id)


def open_offer(tx: Transaction, campaign_id: str) -> dict[str, Any]:
    """From now on members may claim. Opening an open offer changes nothing."""
    if not tx.offers.move(campaign_id, "announced", "open"):
        offer = _offer(tx, campaign_id)
        if offer.state != "open":
            raise WrongState(
                f"Offer {campaign_id!r} is {offer.state} and cannot be opened again. "
                "Launch a new campaign for a new offer.",
                offer_id=campaign_id,
                state=offer.state,
            )
    return offer_answer(tx, campaign_id)


def close_offer(tx: Transaction, campaign_id: str) -> dict[str, Any]:
    """No new claims from now on; open reservations run on to their own deadlines."""
    if not tx.offers.move(campaign_id, "open", "closed"):
        tx.offers.move(campaign_id, "announced", "closed")
    return offer_answer(tx, campaign_id)


def offer_answer(tx: Transaction, campaign_id: str) -> dict[str, Any]:
    """The offer as shops show it, stock live: void reservations count as remaining."""
    offer = _offer(tx, campaign_id)
    standing = tx.offers.standing(campaign_id, tx.now)
    shown = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(offer).items()
    }
    return shown | {
        "remaining": standing.remaining + standing.overdue,
        "reserved": standing.reserved,
        "confirmed": standing.confirmed,
    }


def offer_facts(tx: Transaction, campaign_id: str, member_id: str) -> Mapping[str, object]:
    """What a condition may ask about an offer and a member, by the names of `conditions.OFFER`."""
    return offer_facts_of(tx, campaign_id, [member_id])[member_id]


def offer_facts_of(
    tx: Transaction, campaign_id: str, member_ids: Sequence[str]
) -> Mapping[str, Mapping[str, object]]:
    """The same for a page of members, in as many statements as for one."""
    offer = _offer(tx, campaign_id)
    standing = tx.offers.standing(campaign_id, tx.now)
    taken = tx.offers.taken(campaign_id, member_ids, tx.now)
    return {
        member_id: {
            "offer.points": offer.points,
            "offer.remaining": standing.remaining + standing.overdue,
            "offer.taken": taken[member_id],
        }
        for member_id in member_ids
    }


def _offer(tx: Transaction, campaign_id: str) -> Offer:
    offer = tx.offers.get(campaign_id)
    if offer is None:
        raise Unknown("offer", campaign_id)
    return offer
