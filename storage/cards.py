"""What members were given besides points: multiplier cards and coupons, each under its key once."""

from collections.abc import Sequence
from datetime import datetime

from loyalty.records import CardHeld
from storage import tables
from storage.batch import Batch
from storage.rows import InsertOnce, Shape

_table = tables.cards
_shape = Shape(CardHeld, _table)

_ADD_CARD = InsertOnce(_table)
_ADD_COUPON = InsertOnce(tables.coupons)


class SqlCards:
    def __init__(self, batch: Batch, now: datetime) -> None:
        self._rows = batch.cards
        self._connection = batch.direct
        self._now = now

    def add(self, card: CardHeld) -> None:
        _ADD_CARD(self._connection, _shape.values(card))
        self._rows.forget(card.member_id)

    def at(self, member_id: str, instant: datetime) -> Sequence[CardHeld]:
        """The cards that count at this instant; a card's end is no longer part of it."""
        return self._rows.at(member_id, instant)

    def coupon(
        self, key: str, member_id: str, campaign_id: str, coupon: str, ends_at: datetime
    ) -> None:
        row = {"key": key, "member_id": member_id, "campaign_id": campaign_id, "kind": coupon}
        _ADD_COUPON(self._connection, {**row, "given_at": self._now, "ends_at": ends_at})
