"""The ledger's one way to its tables: postings are numbered, sealed and written together.

The log's head is locked last and held only while the rows go out, so that programs decide side by
side and only their writes queue. Every transaction is a leaf of the log, and a link of the chain of
each account it moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection

from loyalty.book import Hold
from loyalty.sealing.canonical import FIRST_HEAD, chain, transaction_bytes
from loyalty.sealing.merkle import Frontier, leaf_hash
from storage.bulk import Bulk, Row
from storage.postings import Record, allocation_json, meta_json
from storage.selected import Query, answered
from storage.tables import accounts, entries, holds, log_head, lots, transactions

_add_transactions = Bulk(transactions)
_add_entries = Bulk(entries)
_put_accounts = Bulk(accounts, keys=["id"], sets=["balance", "held", "seq", "head"])
_put_lots = Bulk(
    lots,
    keys=["account_id", "expires_at", "available_at", "source"],
    sets=["remaining", "held"],
)
_put_holds = Bulk(holds, keys=["id"], sets=["status", "settled_by"])
_begin_log = Bulk(log_head, keys=["id"])
_put_head = Bulk(log_head, keys=["id"], sets=["size", "frontier"])


_HEAD = Query("SELECT frontier FROM log_head WHERE id {ids}", [1], lock=True)


class Account:
    """An account's row as it stands; it follows what is written."""

    __slots__ = ("balance", "head", "held", "seq")

    def __init__(
        self, balance: int = 0, held: int = 0, seq: int = 0, head: bytes = FIRST_HEAD
    ) -> None:
        self.balance = balance
        self.held = held
        self.seq = seq
        self.head = head


@dataclass(frozen=True, slots=True)
class Written:
    """What is to go out: transactions in order, the accounts they start from, lots and holds."""

    records: Sequence[Record]
    accounts: dict[str, Account]
    lots: Sequence[Row]
    holds: Sequence[tuple[str, Hold, str | None]]


def write(connection: Connection, written: Written) -> None:
    """Write all of it. A key that another program wrote first is a unique violation."""
    log = _locked_head(connection)
    touched: dict[str, Account] = {}
    transaction_rows: list[Row] = []
    entry_rows: list[Row] = []
    for record in written.records:
        record.id = log.size + 1
        mine = _entries(record, written.accounts, touched)
        row, leaf = _transaction(record, mine)
        transaction_rows.append(row)
        log.append(leaf)
        for entry in mine:
            account = touched[entry[0]]
            account.head = chain(account.head, leaf)
            entry_rows.append((*entry[:2], record.id, *entry[2:], account.head))
    _add_transactions(connection, transaction_rows)
    _add_entries(connection, entry_rows)
    _put_accounts(connection, [_account(id, touched[id]) for id in sorted(touched)])
    _put_lots(connection, written.lots)
    _put_holds(
        connection,
        [
            (h.id, account, h.amount, h.status, h.expires_at, settled_by, allocation_json(h))
            for account, h, settled_by in written.holds
        ],
    )
    _put_head(connection, [(1, log.size, log.to_bytes())])


def _locked_head(connection: Connection) -> Frontier:
    [found] = answered(connection, [_HEAD])
    if not found:
        # The first posting of a programme: whoever comes second waits here and reads the row.
        _begin_log(connection, [(1, 0, b"")])
        [found] = answered(connection, [_HEAD])
    kept = found[0][0]
    raw = kept.encode() if isinstance(kept, str) else bytes(kept)
    return Frontier.from_bytes(raw) if raw else Frontier()


def _entries(record: Record, known: dict[str, Account], touched: dict[str, Account]) -> list[Row]:
    rows = []
    for id, leg in record.legs:
        account = touched.get(id)
        if account is None:
            account = touched[id] = known.setdefault(id, Account())
        account.balance += leg.amount
        account.held += leg.held_delta
        account.seq += 1
        rows.append((id, account.seq, leg.contra, leg.amount, leg.held_delta, account.balance))
    return rows


def _transaction(record: Record, mine: list[Row]) -> tuple[Row, bytes]:
    posted = record.posted
    meta, moves = meta_json(posted.meta), record.moves_json()
    reverses = record.reverses.id if record.reverses else None
    sealed = transaction_bytes(
        record.id,
        posted.key,
        record.body_hash,
        posted.kind,
        round(posted.at.timestamp() * 1_000_000),
        round(record.effective_at.timestamp() * 1_000_000),
        reverses,
        posted.hold_id,
        record.campaign_id,
        sha256(f"{meta}\n{_figures(record)}".encode()).digest(),
        moves,
        mine,
    )
    leaf = leaf_hash(sealed)
    row = (
        record.id,
        posted.key,
        record.body_hash,
        posted.kind,
        posted.member_id,
        record.other_id,
        posted.points,
        posted.at,
        record.effective_at,
        reverses,
        posted.hold_id,
        record.campaign_id,
        meta,
        moves,
        posted.balance_after,
        posted.available_after,
        posted.shortfall,
        posted.debt_change,
        posted.lapsed,
        leaf,
    )
    return row, leaf


def _figures(record: Record) -> str:
    """What a transaction says of itself beside its entries, so that it is sealed with them."""
    p = record.posted
    return (
        f"{p.member_id} {record.other_id or '-'} {p.points} {p.balance_after} {p.available_after} "
        f"{p.shortfall} {p.debt_change} {p.lapsed}"
    )


def _account(id: str, account: Account) -> Row:
    kind = id.split(":", 1)[0]
    floor = None if kind == "debt" else 0
    return (id, kind, floor, account.balance, account.held, account.seq, account.head)
