"""One member's book, locked, loaded and written to, in few statements each.

Everything belongs to the member's own book, system accounts included, so that no row is hot: two
members never wait for each other. Nothing here decides; `loyalty.posting` does.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from loyalty.book import Book, Lot, Posting
from loyalty.ledger import AccountKind, Posted
from storage.postings import Header, account_id, answer_for
from storage.tables import accounts, entries, holds, lot_moves, lots, transactions

KINDS: tuple[AccountKind, ...] = ("member", "issuance", "redemption", "breakage", "debt")
# Points come out of nothing at issuance, and debt is what a member is below zero.
_NO_FLOOR = ("issuance", "debt")


@dataclass(slots=True)
class Account:
    """An account's row while its book is open."""

    balance: int = 0
    held: int = 0
    seq: int = 0


def _upsert(dialect: str) -> tuple[Insert, Insert]:
    insert_into = sqlite.insert if dialect == "sqlite" else postgresql.insert
    account: Any = insert_into(accounts)
    account = account.on_conflict_do_update(
        index_elements=["id"],
        set_={name: account.excluded[name] for name in ("balance", "held", "seq")},
    )
    lot: Any = insert_into(lots)
    lot = lot.on_conflict_do_update(
        index_elements=["account_id", "expires_at", "source"],
        set_={
            # Lots with nothing left are not loaded, so what was ever earned is added up here.
            "earned": lots.c.earned + lot.excluded.earned,
            "remaining": lot.excluded.remaining,
            "held": lot.excluded.held,
        },
    )
    return account, lot


_UPSERTS = {dialect: _upsert(dialect) for dialect in ("sqlite", "postgresql")}
_ADD_TRANSACTION = insert(transactions)
_ADD_ENTRIES = insert(entries)
_ADD_MOVES = insert(lot_moves)
_ADD_HOLD = insert(holds)
_SETTLE_HOLD = (
    update(holds)
    .where(holds.c.id == bindparam("hold"))
    .values(status=bindparam("to"), settled_by=bindparam("transaction"))
)
# In the order of their ids, so that two programs never lock the same book crosswise.
_ACCOUNTS = (
    select(accounts.c.id, accounts.c.kind, accounts.c.balance, accounts.c.held, accounts.c.seq)
    .where(accounts.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(accounts.c.id)
)
_LOCKED_ACCOUNTS = _ACCOUNTS.with_for_update()
_LOTS = select(lots.c.expires_at, lots.c.source, lots.c.remaining, lots.c.held).where(
    lots.c.account_id == bindparam("account"), lots.c.remaining > 0
)
_OVERDUE = (
    select(holds.c.id)
    .where(
        holds.c.account_id == bindparam("account"),
        holds.c.status == "open",
        holds.c.expires_at <= bindparam("now"),
    )
    .order_by(holds.c.expires_at, holds.c.id)
)


class OpenBook:
    """One member's book, locked; it follows what is written to it."""

    def __init__(self, connection: Connection, member_id: str) -> None:
        self.member_id = member_id
        self._connection = connection
        ids = [account_id(kind, member_id) for kind in KINDS]
        rows = connection.execute(
            _LOCKED_ACCOUNTS if connection.dialect.name == "postgresql" else _ACCOUNTS,
            {"ids": ids},
        )
        self._accounts = {r.kind: Account(r.balance, r.held, r.seq) for r in rows}
        self._book: Book | None = None

    @property
    def book(self) -> Book:
        """Balance, debt and lots; the lots are read when they are first asked for."""
        if self._book is None:
            account = account_id("member", self.member_id)
            rows = self._connection.execute(_LOTS, {"account": account})
            self._book = Book(
                balance=self._accounts.get("member", Account()).balance,
                debt=-self._accounts.get("debt", Account()).balance,
                lots=tuple(Lot(r.expires_at, r.source, r.remaining, r.held) for r in rows),
            )
        return self._book

    def overdue_holds(self, now: datetime) -> list[str]:
        """Open holds past their deadline; asked only of members who hold anything."""
        if not self._accounts.get("member", Account()).held:
            return []
        account = account_id("member", self.member_id)
        return list(self._connection.execute(_OVERDUE, {"account": account, "now": now}).scalars())

    def write(self, posting: Posting, header: Header) -> Posted:
        """Record a decided posting: the transaction, its entries, lots and hold."""
        answer = answer_for(self.member_id, posting, header)
        added = self._connection.execute(
            _ADD_TRANSACTION,
            {
                "key": header.key,
                "body_hash": header.body_hash,
                "kind": posting.kind,
                "at": header.now,
                "effective_at": header.effective_at,
                "reverses": header.reverses,
                "hold_id": header.hold_id,
                "campaign_id": header.campaign_id,
                "meta": dict(answer.meta),
                "answer": answer.to_json(),
            },
        )
        transaction_id: int = added.inserted_primary_key[0]  # type: ignore[index]
        self._write_entries(posting, transaction_id)
        self._write_lots(posting, transaction_id)
        self._write_hold(posting, transaction_id)
        self._book = posting.book
        return replace(answer, transaction_id=transaction_id)

    def _write_entries(self, posting: Posting, transaction_id: int) -> None:
        if not posting.legs:
            return
        account_rows, entry_rows = [], []
        for kind, leg in posting.legs.items():
            account = self._accounts.setdefault(kind, Account())
            account.balance += leg.amount
            account.held += leg.held_delta
            account.seq += 1
            name = account_id(kind, self.member_id)
            account_rows.append(
                {
                    "id": name,
                    "kind": kind,
                    "floor": None if kind in _NO_FLOOR else 0,
                    "balance": account.balance,
                    "held": account.held,
                    "seq": account.seq,
                }
            )
            entry_rows.append(
                {
                    "account_id": name,
                    "seq": account.seq,
                    "transaction_id": transaction_id,
                    "amount": leg.amount,
                    "held_delta": leg.held_delta,
                    "balance": account.balance,
                }
            )
        upsert_account, _ = _UPSERTS[self._connection.dialect.name]
        self._connection.execute(upsert_account, account_rows)
        self._connection.execute(_ADD_ENTRIES, entry_rows)

    def _write_lots(self, posting: Posting, transaction_id: int) -> None:
        if not posting.moves:
            return
        account = account_id("member", self.member_id)
        after = {lot.key: lot for lot in posting.book.lots}
        earned = posting.kind in ("earn", "grant")
        lot_rows, move_rows = [], []
        for move in posting.moves:
            lot = after[move.key]
            where = {"account_id": account, "expires_at": lot.expires_at, "source": lot.source}
            lot_rows.append(
                {
                    **where,
                    "earned": move.amount if earned else 0,
                    "remaining": lot.remaining,
                    "held": lot.held,
                }
            )
            move_rows.append(
                {
                    **where,
                    "transaction_id": transaction_id,
                    "amount": move.amount,
                    "held_delta": move.held_delta,
                }
            )
        _, upsert_lot = _UPSERTS[self._connection.dialect.name]
        self._connection.execute(upsert_lot, lot_rows)
        self._connection.execute(_ADD_MOVES, move_rows)

    def _write_hold(self, posting: Posting, transaction_id: int) -> None:
        hold = posting.hold
        if hold is None:
            return
        if hold.status != "open":
            settled = {"hold": hold.id, "to": hold.status, "transaction": transaction_id}
            self._connection.execute(_SETTLE_HOLD, settled)
            return
        self._connection.execute(
            _ADD_HOLD,
            {
                "id": hold.id,
                "account_id": account_id("member", self.member_id),
                "amount": hold.amount,
                "status": hold.status,
                "expires_at": hold.expires_at,
                "transaction_id": transaction_id,
                "allocation": [[at.isoformat(), source, n] for at, source, n in hold.allocation],
            },
        )
