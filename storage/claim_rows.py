"""Offers, limits and claims in one transaction: stock is locked once and written once.

A flash exchange sends hundreds of claims for one row. Here they are decided one after the other on
the same locked figure, and the figure goes out with the last of them. Source: rule 21.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Connection

from loyalty.offers import Claim, Offer
from loyalty.refused_claim import RefusedClaim
from storage.bulk import Bulk, BulkUpdate, instant
from storage.rows import Shape
from storage.selected import Loading, Query, load
from storage.tables import claim_counts, claims, offers, refused_claims
from storage.undo import Undo

_offer, _claim = Shape(Offer, offers), Shape(Claim, claims)
_OFFERS = f"SELECT {', '.join(_offer.names)} FROM offers WHERE id {{ids}} ORDER BY id"
_CLAIMS = f"SELECT {', '.join(_claim.names)} FROM claims WHERE id {{ids}}"
_COUNTS = "SELECT offer_id, member_id, taken FROM claim_counts WHERE member_id {ids}"
_RESERVED = (
    "SELECT member_id, min(expires_at) FROM claims WHERE member_id {ids} "
    "AND status = 'reserved' GROUP BY member_id"
)
_CLAIM_COLUMNS = [column.name for column in claims.columns]
_claim_row = attrgetter(*_CLAIM_COLUMNS)
_add_claims = Bulk(claims)
_put_remaining = BulkUpdate(offers, "id", ["remaining"])
_REFUSED_KEYS = ["member_id", "offer_id", "reason"]
_REFUSED_COLUMNS = [column.name for column in refused_claims.columns]
_refused_row = attrgetter(*_REFUSED_COLUMNS)
_put_refused = Bulk(
    refused_claims,
    keys=_REFUSED_KEYS,
    sets=[name for name in _REFUSED_COLUMNS if name not in _REFUSED_KEYS],
)
_put_counts = Bulk(claim_counts, keys=["offer_id", "member_id"], sets=["taken"])


class ClaimRows:
    """What claims of this transaction look at and change."""

    def __init__(self, connection: Connection, undo: Undo) -> None:
        self._connection = connection
        self._undo = undo
        self._offers: dict[str, Offer | None] = {}
        self._changed: dict[str, bool] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._counted: dict[tuple[str, str], bool] = {}
        self._earliest: dict[str, datetime | None] = {}
        self._members: set[str] = set()
        self._claims: dict[str, Claim | None] = {}
        self.pending: dict[str, Claim] = {}
        self._none_overdue: set[tuple[str, datetime]] = set()
        self._refused: dict[tuple[str, str, str], RefusedClaim] = {}

    def loading(
        self, offer_ids: Iterable[str], claim_ids: Iterable[str], member_ids: Iterable[str]
    ) -> Loading:
        """Lock these offers; look these claims up, and what these members took so far."""
        offers = sorted(set(offer_ids) - self._offers.keys())
        claims = sorted(set(claim_ids) - self._claims.keys())
        members = sorted(set(member_ids) - self._members)
        if not (offers or claims or members):
            return
        found, known, counts, reserved = yield [
            Query(_OFFERS, offers, lock=True),
            Query(_CLAIMS, claims),
            Query(_COUNTS, members),
            Query(_RESERVED, members),
        ]
        self._offers.update(dict.fromkeys(offers) | {row[0]: _offer_of(row) for row in found})
        self._claims.update(dict.fromkeys(claims) | {row[0]: _claim_of(row) for row in known})
        self._members.update(members)
        self._counts.update({(offer, member): taken for offer, member, taken in counts})
        self._earliest.update(dict.fromkeys(members))
        self._earliest.update({member: instant(expires) for member, expires in reserved})

    def _load(
        self, offers: Iterable[str] = (), claims: Iterable[str] = (), members: Iterable[str] = ()
    ) -> None:
        load(self._connection, self.loading(offers, claims, members))

    @property
    def offers(self) -> Iterable[str]:
        """Which offers are locked, or known not to be there."""
        return self._offers

    @property
    def known_claims(self) -> Iterable[str]:
        """Which claims were looked up."""
        return self._claims

    def forget_but(self, kept: set[str], members: set[str], claims: set[str]) -> None:
        """Look again at every other offer and claim, and at what everybody else took."""
        for offer in self._offers.keys() - kept:
            del self._offers[offer]
        for key in [key for key in self._counts if key[1] not in members]:
            del self._counts[key]
        for member in self._members - members:
            self._members.discard(member)
            self._earliest.pop(member, None)
        for claim in self._claims.keys() - claims - self.pending.keys():
            del self._claims[claim]

    # --- offers --------------------------------------------------------------------------------

    def known(self, offer_id: str) -> Offer | None:
        """The offer if this transaction has locked it."""
        return self._offers.get(offer_id)

    def locked(self, offer_id: str) -> Offer | None:
        if offer_id not in self._offers:
            self._load(offers=[offer_id])
        return self._offers[offer_id]

    def left(self, offer: Offer, remaining: int) -> None:
        """So many units are left now."""
        self._undo.put(self._offers, offer.id, replace(offer, remaining=remaining))
        self._undo.put(self._changed, offer.id, True)

    def moved(self, offer_id: str) -> None:
        """Its state was changed by a statement: look again, what is pending of it was written."""
        self._offers.pop(offer_id, None)

    # --- limits --------------------------------------------------------------------------------

    def taken(self, offer_id: str, member_id: str) -> int:
        if member_id not in self._members:
            self._load(members=[member_id])
        return self._counts.get((offer_id, member_id), 0)

    def count(self, offer_id: str, member_id: str, taken: int) -> None:
        self._undo.put(self._counts, (offer_id, member_id), taken)
        self._undo.put(self._counted, (offer_id, member_id), True)

    # --- claims --------------------------------------------------------------------------------

    def claim(self, claim_id: str) -> Claim | None:
        if claim_id in self.pending:
            return self.pending[claim_id]
        if claim_id not in self._claims:
            self._load(claims=[claim_id])
        return self._claims[claim_id]

    def add(self, claim: Claim) -> None:
        self._undo.put(self.pending, claim.id, claim)
        self._undo.put(self._claims, claim.id, claim)

    def change(self, claim: Claim) -> bool:
        """False when it is a row already and has to be changed there."""
        self._undo.put(self._claims, claim.id, claim)
        if claim.id not in self.pending:
            return False
        self._undo.put(self.pending, claim.id, claim)
        return True

    def refuse(self, refused: RefusedClaim) -> None:
        """The last of each cause; where nobody is refused, this costs nothing."""
        key = (refused.member_id, refused.offer_id, refused.reason)
        self._undo.put(self._refused, key, refused)

    def nothing_overdue(self, now: datetime, offer_id: str | None, member_id: str | None) -> bool:
        """True when it is known that no reservation of these is past its deadline."""
        if member_id is not None and member_id in self._members:
            earliest = self._earliest[member_id]
            return earliest is None or earliest > now
        return offer_id is not None and (offer_id, now) in self._none_overdue

    def none_overdue(self, offer_id: str, now: datetime) -> None:
        """Nothing becomes overdue while one transaction judges by one instant."""
        self._none_overdue.add((offer_id, now))

    # --- writing -------------------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        # No statement of a claim looks at refusals: they wait for the rest to be written.
        return bool(self.pending or self._changed or self._counted)

    def flush(self) -> None:
        _add_claims(self._connection, [_claim_row(claim) for claim in self.pending.values()])
        offers = [(id, found.remaining) for id in self._changed if (found := self._offers[id])]
        _put_remaining(self._connection, sorted(offers))
        counts = [(*key, self._counts[key]) for key in sorted(self._counted)]
        _put_counts(self._connection, counts)
        _put_refused(self._connection, [_refused_row(each) for each in self._refused.values()])
        for changed in (self.pending, self._changed, self._counted, self._refused):
            changed.clear()

    def forget(self) -> None:
        """Look again: what is known here was taken back."""
        for known in (self._offers, self._counts, self._earliest, self._claims, self.pending):
            known.clear()
        self._changed.clear()
        self._counted.clear()
        self._members.clear()
        self._none_overdue.clear()
        self._refused.clear()


def _offer_of(row: Any) -> Offer:
    values = dict(zip(_offer.names, row, strict=True))
    if isinstance(values["title"], str):
        values["title"] = orjson.loads(values["title"])
    for name in ("opens_at", "closes_at"):
        values[name] = instant(values[name])
    return Offer(**values)


def _claim_of(row: Sequence[Any]) -> Claim:
    values = dict(zip(_claim.names, row, strict=True))
    for name in ("reserved_at", "expires_at", "settled_at"):
        if values[name] is not None:
            values[name] = instant(values[name])
    return Claim(**values)
