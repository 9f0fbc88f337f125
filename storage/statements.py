"""Reading the ledger: balances of many members at one instant, and statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, select

from loyalty.book import Lot, LotKey, available
from loyalty.ledger import UNDATED, Balance, StatementLine
from storage.postings import account_id, member_of
from storage.tables import accounts, entries, holds, lots, transactions

PAGE = 500
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_ACCOUNTS = select(accounts.c.id, accounts.c.kind, accounts.c.balance, accounts.c.held).where(
    accounts.c.id.in_(_IDS)
)
_LOTS = select(
    lots.c.account_id, lots.c.expires_at, lots.c.source, lots.c.remaining, lots.c.held
).where(lots.c.account_id.in_(_IDS), lots.c.remaining > 0)
_OVERDUE = select(holds.c.account_id, holds.c.amount, holds.c.allocation).where(
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
    ids = [account_id(kind, m) for m in member_ids for kind in ("member", "debt")]
    rows = connection.execute(_ACCOUNTS, {"ids": ids}).all()
    posted = {member_of(r.id): r for r in rows if r.kind == "member"}
    owed = {member_of(r.id): -r.balance for r in rows if r.kind == "debt"}
    freed: dict[str, dict[LotKey, int]] = defaultdict(lambda: defaultdict(int))
    overdue: dict[str, int] = defaultdict(int)
    if holders := [r.id for r in posted.values() if r.held]:
        for hold in connection.execute(_OVERDUE, {"ids": holders, "now": now}):
            overdue[member_of(hold.account_id)] += hold.amount
            for at, source, part in hold.allocation:
                freed[member_of(hold.account_id)][(datetime.fromisoformat(at), source)] += part
    book: dict[str, list[Lot]] = defaultdict(list)
    with_points = [r.id for r in posted.values() if r.balance]
    for r in connection.execute(_LOTS, {"ids": with_points}) if with_points else ():
        member = member_of(r.account_id)
        held = r.held - freed[member][(r.expires_at, r.source)]
        book[member].append(Lot(r.expires_at, r.source, r.remaining, held))
    return {
        member: Balance(
            posted=posted[member].balance,
            held=posted[member].held - overdue[member],
            available=available(book[member], owed.get(member, 0), now),
            debt=owed.get(member, 0),
            next_expiry=_expiries(book[member], now),
        )
        if member in posted
        else Balance(debt=owed.get(member, 0))
        for member in member_ids
    }


def _expiries(book: Sequence[Lot], now: datetime) -> list[tuple[datetime, int]]:
    """Every coming expiry, not only the first (rule 6); what is held does not lapse."""
    sums: dict[datetime, int] = defaultdict(int)
    for lot in book:
        if now < lot.expires_at < UNDATED and lot.free:
            sums[lot.expires_at] += lot.free
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
    return [StatementLine(**r._mapping) for r in rows]
