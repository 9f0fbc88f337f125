"""Whose tier the nightly review has to look at, page by page."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, exists, select

from loyalty.tiers.settings import Tiers
from storage.tables import members, tier_reviews


def due_reviews(
    connection: Connection, now: datetime, after: str = "", limit: int = 200
) -> Sequence[str]:
    """Members with something to judge by now, by id."""
    query = select(tier_reviews.c.member_id).where(
        tier_reviews.c.due_at <= now, tier_reviews.c.member_id > after
    )
    return connection.execute(query.order_by(tier_reviews.c.member_id).limit(limit)).scalars().all()


def never_reviewed(
    connection: Connection, tiers: Tiers, after: str = "", limit: int = 200
) -> Sequence[str]:
    """Members above the lowest tier whom no review will look at, though tiers can be lost.

    So it is when the shop brought their tiers along, or when tiers were kept until now.
    """
    if tiers.downgrade == "keep" or tiers.validity_months is None:
        return ()
    query = select(members.c.id).where(
        members.c.id > after,
        members.c.status == "active",
        members.c.tier.in_([*tiers.names[1:], *tiers.paid_levels]),
        ~exists().where(tier_reviews.c.member_id == members.c.id),
    )
    return connection.execute(query.order_by(members.c.id).limit(limit)).scalars().all()
