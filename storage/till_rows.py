"""Confirmed holds by the purchase they paid a part of, read for all of a batch's events at once."""

from collections.abc import Iterable

from sqlalchemy import Connection

from loyalty.till.hold import TillHold
from storage.bulk import instant
from storage.rows import Shape
from storage.selected import Loading, Query, load
from storage.tables import till_holds

_shape = Shape(TillHold, till_holds)
_FIND = (
    f"SELECT {', '.join(f'till_holds.{name}' for name in _shape.names)} FROM till_holds "
    "JOIN {pairs} ON till_holds.purchase_source = asked.first "
    "AND till_holds.purchase_id = asked.second"
)
_INSTANTS = [_shape.names.index(name) for name in ("placed_at", "expires_at", "settled_at")]


class TillRows:
    """Most purchases are paid with money alone, and that is known here without a question each."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._paying: dict[tuple[str, str], TillHold | None] = {}

    def loading(self, purchases: Iterable[tuple[str, str]]) -> Loading:
        wanted = sorted(set(purchases) - self._paying.keys())
        if not wanted:
            return
        [rows] = yield [Query(_FIND, wanted)]
        self._paying.update(dict.fromkeys(wanted))
        for row in rows:
            values = list(row)
            for at in _INSTANTS:
                values[at] = instant(values[at]) if values[at] else None
            hold = TillHold(*values)
            self._paying[hold.purchase_source or "", hold.purchase_id or ""] = hold

    def paying(self, source: str, purchase_id: str) -> TillHold | None:
        if (source, purchase_id) not in self._paying:
            load(self._connection, self.loading([(source, purchase_id)]))
        return self._paying[source, purchase_id]

    def forget(self) -> None:
        """Look again: a hold was confirmed, or a confirmation taken back with its unit."""
        self._paying.clear()
