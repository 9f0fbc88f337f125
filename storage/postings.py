"""Single postings as rows: what goes into one, what a key, a hold or an original says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from loyalty.book import Hold, LotKey, Move, Original, Posting
from loyalty.ledger import UNDATED, AccountKind, LotUse, Posted
from storage.tables import holds, lot_moves, transactions


def account_id(kind: AccountKind, member_id: str) -> str:
    """`member:<id>` holds the points; the others are that member's share of a system account."""
    return f"{kind}:{member_id}"


def member_of(account: str) -> str:
    return account.split(":", 1)[1]


_BY_KEY = select(transactions).where(transactions.c.key == bindparam("key"))
_SETTLED_BY = (
    select(transactions)
    .join(holds, holds.c.settled_by == transactions.c.id)
    .where(holds.c.id == bindparam("hold"))
)
_HOLD = select(holds).where(holds.c.id == bindparam("hold"))
_MOVES = select(lot_moves).where(lot_moves.c.transaction_id == bindparam("transaction"))
_REVERSALS = select(transactions.c.id, transactions.c.answer).where(
    transactions.c.reverses == bindparam("transaction")
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a transaction row says besides the decision."""

    key: str
    body_hash: str
    now: datetime
    effective_at: datetime
    reverses: int | None = None
    hold_id: str | None = None
    campaign_id: str | None = None
    meta: Mapping[str, Any] | None = None


def answer_for(member_id: str, posting: Posting, header: Header) -> Posted:
    """What the caller is told; the id is filled in when the row has one."""
    return Posted(
        transaction_id=0,
        key=header.key,
        kind=posting.kind,
        member_id=member_id,
        points=posting.points,
        balance_after=posting.book.balance,
        available_after=posting.available_after,
        at=header.now,
        lots=tuple(
            LotUse(
                None if move.expires_at == UNDATED else move.expires_at,
                move.source,
                abs(move.amount or move.held_delta),
            )
            for move in posting.moves
        ),
        hold_id=header.hold_id,
        shortfall=posting.shortfall,
        debt_change=posting.debt_change,
        meta=header.meta or {},
    )


def stored(connection: Connection, key: str) -> tuple[str, Posted] | None:
    """The fingerprint and the answer kept under a key."""
    row = connection.execute(_BY_KEY, {"key": key}).one_or_none()
    return None if row is None else (row.body_hash, _posted(row))


def settled_by(connection: Connection, hold_id: str) -> Posted:
    """The transaction that closed a hold."""
    return _posted(connection.execute(_SETTLED_BY, {"hold": hold_id}).one())


def _posted(row: Row[Any]) -> Posted:
    return Posted.from_json(
        row.answer, transaction_id=row.id, key=row.key, at=row.at, meta=row.meta
    )


def load_hold(connection: Connection, hold_id: str) -> tuple[str, Hold] | None:
    """A hold and the account it is on."""
    row = connection.execute(_HOLD, {"hold": hold_id}).one_or_none()
    if row is None:
        return None
    allocation = tuple((datetime.fromisoformat(at), source, n) for at, source, n in row.allocation)
    return row.account_id, Hold(row.id, row.amount, row.status, row.expires_at, allocation)


def _moves(connection: Connection, transaction_id: int) -> tuple[Move, ...]:
    rows = connection.execute(_MOVES, {"transaction": transaction_id})
    return tuple(Move(r.expires_at, r.source, r.amount, r.held_delta) for r in rows)


def load_original(connection: Connection, posted: Posted) -> Original:
    """A transaction with what was reversed of it; to be read under its book's lock."""
    returned: dict[LotKey, int] = {}
    points = 0
    for row in connection.execute(_REVERSALS, {"transaction": posted.transaction_id}):
        points += row.answer["points"]
        for move in _moves(connection, row.id):
            returned[move.key] = returned.get(move.key, 0) + move.amount
    return Original(
        key=posted.key,
        kind=posted.kind,
        points=posted.points,
        moves=_moves(connection, posted.transaction_id),
        reversed_points=points,
        returned=returned,
    )
