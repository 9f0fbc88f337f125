"""Members' multiplier cards in one transaction, read for all of its members at once."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from loyalty.records import CardHeld
from storage.bulk import instant
from storage.selected import Loading, Query, load

_SELECT = (
    "SELECT key, member_id, multiplier_bp, starts_at, ends_at, campaign_id FROM cards "
    "WHERE member_id {ids} ORDER BY key"
)


class CardRows:
    """The cards of members that were asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cards: dict[str, list[CardHeld]] = {}

    def loading(self, member_ids: Iterable[str]) -> Loading:
        wanted = sorted(set(member_ids) - self._cards.keys())
        if not wanted:
            return
        [rows] = yield [Query(_SELECT, wanted)]
        for member_id in wanted:
            self._cards[member_id] = []
        for key, member, multiplier, starts, ends, campaign in rows:
            held = CardHeld(key, member, multiplier, instant(starts), instant(ends), campaign)
            self._cards[member].append(held)

    def at(self, member_id: str, when: datetime) -> Sequence[CardHeld]:
        """The cards that count at this instant; a card's end is no longer part of it."""
        if member_id not in self._cards:
            load(self._connection, self.loading([member_id]))
        return [card for card in self._cards[member_id] if card.starts_at <= when < card.ends_at]

    def forget(self, member_id: str | None = None) -> None:
        """Look again: a card was given, or taken back with the unit that gave it."""
        if member_id is None:
            self._cards.clear()
        else:
            self._cards.pop(member_id, None)
