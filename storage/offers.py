"""Offers, claims and limits in SQL: stock and limits move by conditional updates only.

Nobody reads a number and writes back a smaller one: two that read the same number would both win.
Source: rule 21.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from loyalty.errors import Unknown
from loyalty.offers import Claim, Offer, OfferState, Standing
from storage.rows import InsertOnce, Shape
from storage.tables import claim_counts, claims, offers

_offer = Shape(Offer, offers)
_claim = Shape(Claim, claims)
_OFFERS = select(*_offer.columns)
_CLAIMS = select(*_claim.columns)
_ADD_OFFER = InsertOnce(offers)


class SqlOffers:
    """The Offers port on one transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._upsert = postgresql.insert if _on_postgresql(connection) else sqlite.insert

    def get(self, offer_id: str) -> Offer | None:
        found = self._connection.execute(_OFFERS.where(offers.c.id == offer_id)).one_or_none()
        return Offer(*found) if found else None

    def add(self, offer: Offer) -> bool:
        return _ADD_OFFER(self._connection, _offer.values(offer))

    def move(self, offer_id: str, before: OfferState, after: OfferState) -> bool:
        where = and_(offers.c.id == offer_id, offers.c.state == before)
        return self._changed(update(offers).where(where).values(state=after))

    def take(self, offer_id: str, quantity: int) -> bool:
        enough = and_(offers.c.state == "open", offers.c.remaining >= quantity)
        left = offers.c.remaining - quantity
        statement = update(offers).where(offers.c.id == offer_id, enough).values(remaining=left)
        return self._changed(statement)

    def count(self, offer_id: str, member_id: str, quantity: int, limit: int) -> bool:
        if quantity > limit:
            return False  # the first row would be written without meeting the condition below
        taken = claim_counts.c.taken + quantity
        statement = (
            self._upsert(claim_counts)
            .values(offer_id=offer_id, member_id=member_id, taken=quantity)
            .on_conflict_do_update(
                index_elements=["offer_id", "member_id"],
                set_={"taken": taken},
                where=taken <= limit,
            )
            # Asked by a returned row, not by a row count: drivers do not agree on that for inserts.
            .returning(claim_counts.c.taken)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def give_back(self, claim: Claim) -> None:
        self._connection.execute(
            update(offers)
            .where(offers.c.id == claim.offer_id)
            .values(remaining=offers.c.remaining + claim.quantity)
        )
        self._connection.execute(
            update(claim_counts)
            .where(
                claim_counts.c.offer_id == claim.offer_id,
                claim_counts.c.member_id == claim.member_id,
            )
            .values(taken=claim_counts.c.taken - claim.quantity)
        )

    def standing(self, offer_id: str, now: datetime) -> Standing:
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
        found = self._connection.execute(_CLAIMS.where(claims.c.id == claim_id)).one_or_none()
        return Claim(*found) if found else None

    def lock_claim(self, claim_id: str) -> Claim:
        statement = _CLAIMS.where(claims.c.id == claim_id).with_for_update()
        found = self._connection.execute(statement).one_or_none()
        if found is None:
            raise Unknown("claim", claim_id)
        return Claim(*found)

    def claims_of(self, member_id: str, limit: int) -> Sequence[Claim]:
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
        statement = _CLAIMS.where(claims.c.status == "reserved", claims.c.expires_at <= now)
        if offer_id is not None:
            statement = statement.where(claims.c.offer_id == offer_id)
        if member_id is not None:
            statement = statement.where(claims.c.member_id == member_id)
        # Passing over locked rows also means never to wait here, so no deadlock can begin here.
        statement = statement.order_by(claims.c.expires_at, claims.c.id).limit(limit)
        rows = self._connection.execute(statement.with_for_update(skip_locked=True))
        return [Claim(*row) for row in rows]

    def add_claim(self, claim: Claim) -> None:
        self._connection.execute(insert(claims), _claim.values(claim))

    def settle_claim(self, claim: Claim) -> None:
        self._connection.execute(
            update(claims)
            .where(claims.c.id == claim.id)
            .values(status=claim.status, settled_at=claim.settled_at)
        )

    def _changed(self, statement: Any) -> bool:
        return self._connection.execute(statement).rowcount == 1


def _on_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
