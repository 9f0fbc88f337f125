"""Offers, claims and limits: whoever takes stock has locked it and sees what is left.

Source: rule 21.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    func,
    select,
    update,
)

from loyalty.errors import Unknown
from loyalty.offers import Claim, Offer, OfferState, Standing
from loyalty.refused_claim import RefusedClaim
from storage.batch import Batch
from storage.rows import InsertOnce, Shape
from storage.tables import claims, offers

_offer = Shape(Offer, offers)
_claim = Shape(Claim, claims)
_OFFERS = select(*_offer.columns)
_CLAIMS = select(*_claim.columns)
_ADD_OFFER = InsertOnce(offers)


class SqlOffers:
    """The Offers port on one transaction's connection."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._rows = batch.claims
        self._connection = batch.direct

    def get(self, offer_id: str) -> Offer | None:
        if known := self._rows.known(offer_id):
            return known
        found = self._connection.execute(_OFFERS.where(offers.c.id == offer_id)).one_or_none()
        return Offer(*found) if found else None

    def add(self, offer: Offer) -> bool:
        return _ADD_OFFER(self._connection, _offer.values(offer))

    def move(self, offer_id: str, before: OfferState, after: OfferState) -> bool:
        self._written()
        where = and_(offers.c.id == offer_id, offers.c.state == before)
        moved = self._changed(update(offers).where(where).values(state=after))
        self._rows.moved(offer_id)
        return moved

    def left(self, offer_id: str, quantity: int) -> bool:
        offer = self._rows.locked(offer_id)
        return offer is not None and offer.state == "open" and offer.remaining >= quantity

    def counted(self, offer_id: str, member_id: str) -> int:
        return self._rows.taken(offer_id, member_id)

    def take(self, claim: Claim) -> None:
        self._move(claim, claim.quantity)

    def give_back(self, claim: Claim) -> None:
        self._move(claim, -claim.quantity)

    def _move(self, claim: Claim, units: int) -> None:
        """From the stock to the member, or back."""
        offer = self._rows.locked(claim.offer_id)
        if offer is not None:
            self._rows.left(offer, offer.remaining - units)
        taken = self._rows.taken(claim.offer_id, claim.member_id)
        self._rows.count(claim.offer_id, claim.member_id, taken + units)

    def standing(self, offer_id: str, now: datetime) -> Standing:
        self._written()

        def units(where: ColumnElement[bool]) -> Any:
            return func.coalesce(func.sum(case((where, claims.c.quantity), else_=0)), 0)

        reserved = claims.c.status == "reserved"
        # One statement, so that the figures are of one instant and sum to the stock.
        statement = (
            select(
                offers.c.remaining,
                units(reserved & (claims.c.expires_at > now)),
                units(claims.c.status == "confirmed"),
                units(reserved & (claims.c.expires_at <= now)),
            )
            .select_from(offers.outerjoin(claims, claims.c.offer_id == offers.c.id))
            .where(offers.c.id == offer_id)
            .group_by(offers.c.remaining)
        )
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            raise Unknown("offer", offer_id)
        return Standing(*(int(figure) for figure in row))

    def taken(self, offer_id: str, member_ids: Sequence[str], now: datetime) -> Mapping[str, int]:
        self._written()
        live = (claims.c.status == "confirmed") | (
            (claims.c.status == "reserved") & (claims.c.expires_at > now)
        )
        rows = self._connection.execute(
            select(claims.c.member_id, func.sum(claims.c.quantity))
            .where(claims.c.offer_id == offer_id, claims.c.member_id.in_(member_ids), live)
            .group_by(claims.c.member_id)
        )
        counted = {member_id: int(units) for member_id, units in rows}
        return {member_id: counted.get(member_id, 0) for member_id in member_ids}

    def claim(self, claim_id: str) -> Claim | None:
        return self._rows.claim(claim_id)

    def lock_claim(self, claim_id: str) -> Claim:
        if pending := self._rows.pending.get(claim_id):
            return pending
        statement = _CLAIMS.where(claims.c.id == claim_id).with_for_update()
        found = self._connection.execute(statement).one_or_none()
        if found is None:
            raise Unknown("claim", claim_id)
        return Claim(*found)

    def claims_of(self, member_id: str, limit: int) -> Sequence[Claim]:
        self._written()
        statement = (
            _CLAIMS.where(claims.c.member_id == member_id)
            .order_by(claims.c.reserved_at.desc(), claims.c.id)
            .limit(limit)
        )
        return [Claim(*row) for row in self._connection.execute(statement)]

    def overdue(
        self,
        now: datetime,
        limit: int,
        *,
        offer_id: str | None = None,
        member_id: str | None = None,
    ) -> Sequence[Claim]:
        if self._rows.nothing_overdue(now, offer_id, member_id):
            return []
        self._written()
        statement = _CLAIMS.where(claims.c.status == "reserved", claims.c.expires_at <= now)
        if offer_id is not None:
            statement = statement.where(claims.c.offer_id == offer_id)
        if member_id is not None:
            statement = statement.where(claims.c.member_id == member_id)
        # Passing over locked rows also means never to wait here, so no deadlock can begin here.
        statement = statement.order_by(claims.c.expires_at, claims.c.id).limit(limit)
        rows = self._connection.execute(statement.with_for_update(skip_locked=True))
        found = [Claim(*row) for row in rows]
        if not found and offer_id is not None and member_id is None:
            self._rows.none_overdue(offer_id, now)
        return found

    def add_claim(self, claim: Claim) -> None:
        self._rows.add(claim)

    def refuse(self, refused: RefusedClaim) -> None:
        self._rows.refuse(refused)

    def settle_claim(self, claim: Claim) -> None:
        if self._rows.change(claim):
            return
        self._connection.execute(
            update(claims)
            .where(claims.c.id == claim.id)
            .values(status=claim.status, settled_at=claim.settled_at)
        )

    def _written(self) -> None:
        """Before a statement that looks at claims: those of this transaction are rows."""
        if self._rows.dirty:
            self._batch.flush()

    def _changed(self, statement: Any) -> bool:
        return self._connection.execute(statement).rowcount == 1
