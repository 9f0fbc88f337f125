"""What a message says, frozen at the moment it is put in line.

The names are those of `message_context`; a text that names anything else was refused before launch.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loyalty.coming_expiry import balance_of
from loyalty.ledger import Balance
from loyalty.members import Member, expiring
from loyalty.ports import Transaction
from loyalty.programme import Programme, Reward
from loyalty.records import Campaign, Version
from loyalty.timing import TICK


def variables_for(
    tx: Transaction,
    member: Member,
    campaign: Campaign,
    version: Version,
    remembered: Mapping[str, Any],
    balance: Balance | None = None,
) -> dict[str, Any]:
    """Every variable of a message to `member`, by dotted name; `remembered` is the journey's."""
    balance = balance or balance_of(tx, member)
    return {
        **always(member, campaign.name, tx.programme, balance, tx.now),
        **version.body["message_values"],
        **offer_variables(tx, member, version),
        **remembered,
    }


def always(
    member: Member, campaign_name: str, programme: Programme, balance: Balance, now: datetime
) -> dict[str, Any]:
    """The variables that every message has."""
    soon = expiring(balance, now)
    # Points lapse at an instant that is no longer theirs, often midnight: the day before is told.
    usable_until = balance.next_expiry[0][0] - TICK if soon else None
    reward = affordable(programme.rewards, balance.available)
    return {
        "programme.name": programme.name,
        "programme.currency": programme.currency,
        "campaign.name": campaign_name,
        "member.first_name": member.name.split()[0] if member.name else None,
        "member.tier": member.tier,
        "points.available": balance.available,
        "points.expiring": soon,
        "points.expiring_on": usable_until.isoformat() if usable_until else None,
        "reward.name": _in(reward.name, member.locale) if reward else None,
        "reward.points": reward.points if reward else 0,
    }


def affordable(rewards: tuple[Reward, ...], points: int) -> Reward | None:
    """The dearest reward that the points buy."""
    within = [reward for reward in rewards if reward.points <= points]
    return max(within, key=lambda reward: reward.points, default=None)


def offer_variables(tx: Transaction, member: Member, version: Version) -> dict[str, Any]:
    """What a message may say of the campaign's exchange, if it has one."""
    if not version.body.get("exchange"):
        return {}
    offer = tx.offers.get(version.campaign_id)
    if offer is None:
        return {}
    return {
        "offer.title": _in(offer.title, member.locale),
        "offer.points": offer.points,
        "offer.remaining": offer.remaining,
        "offer.per_member": offer.per_member,
        "offer.opens_on": offer.opens_at.isoformat(),
        "offer.closes_on": offer.closes_at.isoformat(),
    }


def _in(texts: Mapping[str, str], locale: str) -> str:
    return texts.get(locale) or texts.get("en") or next(iter(texts.values()))
