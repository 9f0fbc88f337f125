"""Reading the ledger: balances of many members at one instant, and statements."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, select

from loyalty.book import Book, Hold, Lot, LotKey, available
from loyalty.ledger import OWN, UNDATED, Balance, StatementLine
from storage.postings import account_id, hold_of, member_of
from storage.tables import accounts, entries, holds, lots, transactions

PAGE = 500
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_ACCOUNTS = select(accounts.c.id, accounts.c.kind, accounts.c.balance, accounts.c.held).where(
    accounts.c.id.in_(_IDS)
)
_LOTS = select(
    lots.c.account_id,
    lots.c.expires_at,
    lots.c.source,
    lots.c.remaining,
    lots.c.held,
    lots.c.available_at,
).where(lots.c.account_id.in_(_IDS), lots.c.remaining > 0)
_OVERDUE = select(*holds.c).where(
    holds.c.account_id.in_(_IDS), holds.c.status == "open", holds.c.expires_at <= bindparam("now")
)
_LINES = (
    select(
        entries.c.seq,
        entries.c.transaction_id,
        transactions.c.key,
        transactions.c.kind,
        transactions.c.at,
        transactions.c.effective_at,
        entries.c.amount,
        entries.c.held_delta,
        entries.c.balance,
        transactions.c.campaign_id,
        transactions.c.meta,
    )
    .join(transactions, transactions.c.id == entries.c.transaction_id)
    .where(entries.c.account_id == bindparam("account"), entries.c.seq < bindparam("before"))
    .order_by(entries.c.seq.desc())
    .limit(bindparam("limit"))
)


def balances(
    connection: Connection, member_ids: Sequence[str], now: datetime
) -> Mapping[str, Balance]:
    """What each member has; a hold past its deadline counts as given back."""
    found: dict[str, Balance] = {}
    for start in range(0, len(member_ids), PAGE):
        found |= _page(connection, member_ids[start : start + PAGE], now)
    return found


def _page(connection: Connection, member_ids: Sequence[str], now: datetime) -> dict[str, Balance]:
    ids = [account_id(kind, m) for m in member_ids for kind in OWN]
    rows = connection.execute(_ACCOUNTS, {"ids": ids}).all()
    posted = {member_of(r.id): r for r in rows if r.kind == "member"}
    owed = {member_of(r.id): -r.balance for r in rows if r.kind == "debt"}
    overdue: dict[str, list[Hold]] = defaultdict(list)
    if holders := [r.id for r in posted.values() if r.held]:
        for row in connection.execute(_OVERDUE, {"ids": holders, "now": now}):
            account, hold, _ = hold_of(row)
            overdue[member_of(account)].append(hold)
    own: dict[str, dict[LotKey, Lot]] = defaultdict(dict)
    with_points = [r.id for r in posted.values() if r.balance]
    for account, *figures in connection.execute(_LOTS, {"ids": with_points}) if with_points else ():
        lot = Lot(*figures)
        own[member_of(account)][lot.key] = lot
    found = {}
    for member in member_ids:
        at, debt = posted.get(member), owed.get(member, 0)
        book = Book(at.balance if at else 0, at.held if at else 0, debt, own[member])
        found[member] = balance_of(book, overdue[member], now)
    return found


def balance_of(book: Book, overdue: Sequence[Hold], now: datetime) -> Balance:
    """What a book says at an instant; a hold past its deadline counts as given back."""
    live = given_back(book, overdue)
    return Balance(
        posted=book.balance,
        held=book.held - sum(hold.amount for hold in overdue),
        available=available(live, book.debt, now),
        debt=book.debt,
        next_expiry=_sums((lot.expires_at, lot) for lot in live if now < lot.expires_at < UNDATED),
        pending=_sums((lot.available_at, lot) for lot in live if lot.available_at > now),
    )


def given_back(book: Book, overdue: Sequence[Hold]) -> list[Lot]:
    """The lots as they are when holds past their deadline are given back."""
    lots = dict(book.lots)
    for hold in overdue:
        for key, points in hold.allocation:
            lots[key] = lots[key]._replace(held=lots[key].held - points)
    return list(lots.values())


def _sums(dated: Iterable[tuple[datetime, Lot]]) -> list[tuple[datetime, int]]:
    """Every date, not only the first (rule 6); what is held does not lapse."""
    sums: dict[datetime, int] = defaultdict(int)
    for at, lot in dated:
        if lot.free:
            sums[at] += lot.free
    return sorted(sums.items())


def statement(
    connection: Connection, member_id: str, limit: int, before_seq: int | None
) -> list[StatementLine]:
    """A member's lines, newest first."""
    rows = connection.execute(
        _LINES,
        {
            "account": account_id("member", member_id),
            "before": before_seq or 2**62,
            "limit": limit,
        },
    )
    return [StatementLine(**{**r._mapping, "meta": json.loads(r.meta)}) for r in rows]
