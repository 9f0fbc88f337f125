"""Holds at the till and their returns, as rows. Their member is locked by whoever changes them."""

from sqlalchemy import bindparam, insert, select, update

from loyalty.till.hold import TillHold, TillReturn
from storage.batch import Batch
from storage.rows import Shape
from storage.tables import till_holds, till_returns

_hold = Shape(TillHold, till_holds)
_return = Shape(TillReturn, till_returns)
_HOLDS = select(*_hold.columns)
_GET = _HOLDS.where(till_holds.c.id == bindparam("hold"))
_OF_PURCHASE = _HOLDS.where(
    till_holds.c.purchase_source == bindparam("source"),
    till_holds.c.purchase_id == bindparam("purchase"),
)
_RETURN = select(*_return.columns).where(till_returns.c.key == bindparam("asked"))


class SqlTill:
    """The Till port on one batch."""

    def __init__(self, batch: Batch) -> None:
        self._connection = batch.direct
        self._rows = batch.paid

    def get(self, hold_id: str) -> TillHold | None:
        row = self._connection.execute(_GET, {"hold": hold_id}).one_or_none()
        return TillHold(*row) if row else None

    def of_purchase(self, source: str, purchase_id: str) -> TillHold | None:
        asked = {"source": source, "purchase": purchase_id}
        row = self._connection.execute(_OF_PURCHASE, asked).one_or_none()
        return TillHold(*row) if row else None

    def paying(self, source: str, purchase_id: str) -> TillHold | None:
        return self._rows.paying(source, purchase_id)

    def add(self, hold: TillHold) -> None:
        self._connection.execute(insert(till_holds), _hold.values(hold))

    def save(self, hold: TillHold) -> None:
        values = _hold.values(hold)
        where = till_holds.c.id == values.pop("id")
        self._connection.execute(update(till_holds).where(where).values(**values))
        self._rows.forget()

    def returned(self, key: str) -> TillReturn | None:
        row = self._connection.execute(_RETURN, {"asked": key}).one_or_none()
        return TillReturn(*row) if row else None

    def add_return(self, returned: TillReturn) -> None:
        self._connection.execute(insert(till_returns), _return.values(returned))
