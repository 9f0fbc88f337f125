"""Members' tiers: the history, what counted, and whom the next review has to look at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from loyalty.errors import Unknown
from loyalty.tiers.settings import Tiers
from loyalty.tiers.standing import Held, Place, TierReview, tier_at
from storage import tables
from storage.merged_rows import MERGED_INTO
from storage.rows import InsertOnce, Shape, Upsert

_history = tables.tier_history
_shape = Shape(Held, _history)
_ROWS = (
    select(*_shape.columns)
    .where(_history.c.member_id == bindparam("member"))
    .order_by(_history.c.id)
)
# One question for both: a member who has no history yet answers with the row of members alone.
_WITH_MEMBER = (
    select(tables.members.c.tier, tables.members.c.registered_at, *_shape.columns)
    .join_from(tables.members, _history, _history.c.member_id == tables.members.c.id, isouter=True)
    .where(tables.members.c.id == bindparam("member"))
    .order_by(_history.c.id)
)
_OF_MERGED = (
    select(*_shape.columns).where(_history.c.member_id.in_(MERGED_INTO)).order_by(_history.c.id)
)
_ADD = insert(_history).returning(_history.c.id)

_metric = tables.tier_metric
_inbox = tables.inbox
_SPENT = select(func.sum(_inbox.c.amount_minor - _inbox.c.refunded_minor)).where(
    _inbox.c.member_id == bindparam("member"),
    _inbox.c.type == "purchase",
    _inbox.c.occurred_at >= bindparam("since"),
)
_SPENT_BEFORE = _SPENT.where(_inbox.c.occurred_at < bindparam("before"))
_SUM = select(func.sum(_metric.c.amount)).where(
    _metric.c.member_id == bindparam("member"),
    _metric.c.metric == bindparam("name"),
    _metric.c.at >= bindparam("since"),
)
_SUM_BEFORE = _SUM.where(_metric.c.at < bindparam("before"))
_COUNT = InsertOnce(_metric)

_reviews = tables.tier_reviews
_REVIEW = select(_reviews.c.due_at, _reviews.c.refunded_at).where(
    _reviews.c.member_id == bindparam("member")
)
_PLAN = Upsert(_reviews)
_NOTHING_COMES = delete(_reviews).where(_reviews.c.member_id == bindparam("member"))


class SqlTiers:
    """`receipts` sees receipts and members that this transaction has yet to write, which costs it
    a write.

    The rest needs no such look: whatever changed a member's tier is in the history already.
    """

    def __init__(self, connection: Connection, receipts: Connection, tiers: Tiers) -> None:
        self._connection = connection
        self._receipts = receipts
        self._tiers = tiers

    def at(self, member_id: str, instant: datetime) -> str:
        """The tier that counted for a member at an instant; one question to the database."""
        rows = self._connection.execute(_WITH_MEMBER, {"member": member_id}).all()
        if not rows:
            raise Unknown("member", member_id)
        given, joined = rows[0][:2]
        history = [Held(*row[2:]) for row in rows if row[2] is not None]
        return tier_at(self._tiers, Place(joined, given, history), instant)

    def history(self, member_id: str) -> Sequence[Held]:
        """Every row, oldest first; a few a year."""
        rows = self._connection.execute(_ROWS, {"member": member_id})
        return [Held(*row) for row in rows]

    def history_of_merged(self, member_id: str) -> Sequence[Held]:
        """The rows of ids that were merged into this one, oldest first."""
        rows = self._receipts.execute(_OF_MERGED, {"member": member_id})
        return [Held(*row) for row in rows]

    def add(self, member_id: str, held: Held) -> int:
        """Add a row to the history and answer with its number."""
        row = _shape.values(held) | {"member_id": member_id}
        return int(self._connection.execute(_ADD, row).scalar_one())

    def count(self, member_id: str, at: datetime, amount: int, source_key: str) -> None:
        """Note what an event adds to the metric, or takes from it; each key once."""
        row = {"source_key": source_key, "member_id": member_id, "at": at, "amount": amount}
        _COUNT(self._connection, {**row, "metric": self._tiers.metric})

    def metric(self, member_id: str, since: datetime, before: datetime | None) -> int:
        """The metric over acts with since <= occurred_at < before (none = all since)."""
        window: dict[str, Any] = {"member": member_id, "since": since}
        if before is not None:
            window["before"] = before
        window["name"] = self._tiers.metric
        summed = _SUM if before is None else _SUM_BEFORE
        noted = int(self._connection.execute(summed, window).scalar_one() or 0)
        if self._tiers.metric == "spend_minor":  # the receipts, and what of them does not count
            spent = _SPENT if before is None else _SPENT_BEFORE
            return int(self._receipts.execute(spent, window).scalar_one() or 0) + noted
        return noted

    def review_of(self, member_id: str) -> TierReview | None:
        row = self._connection.execute(_REVIEW, {"member": member_id}).one_or_none()
        return TierReview(*row) if row else None

    def review_at(
        self, member_id: str, due_at: datetime | None, refunded_at: datetime | None
    ) -> None:
        """Have a member looked at then; none = nothing is coming."""
        if due_at is None:
            self._connection.execute(_NOTHING_COMES, {"member": member_id})
            return
        row = {"member_id": member_id, "due_at": due_at, "refunded_at": refunded_at}
        _PLAN(self._connection, row)
