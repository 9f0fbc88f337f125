"""Members' books in one database transaction: read under lock, changed in memory, written once.

Postings of many callers are decided one after the other on what is here; the rows go out together.
A member's accounts, lots and holds are only touched under the lock of the member's accounts.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.book import Book, Hold, Leg, Lot, LotKey, Move, Original, Posting
from loyalty.ledger import OWN, UNDATED, Posted
from loyalty.reversing import Later, lapsed_since
from storage.bulk import instant
from storage.given import GIVING, given_at
from storage.postings import COLUMNS, Record, account_id, hold_of, member_of, record_of
from storage.roundtrip import Rows
from storage.sealed import Account, Written, write
from storage.selected import Loading, Query, answered, load
from storage.undo import Undo

_ACCOUNTS = "SELECT id, balance, held, seq, head FROM accounts WHERE id {ids} ORDER BY id"
_LOTS = (
    "SELECT account_id, expires_at, available_at, source, remaining, held FROM lots "
    "WHERE account_id {ids} AND remaining > 0"
)
_HOLD = "id, account_id, amount, status, expires_at, settled_by, allocation"
_OPEN_HOLDS = f"SELECT {_HOLD} FROM holds WHERE account_id {{ids}} AND status = 'open'"
_HOLDS = f"SELECT {_HOLD} FROM holds WHERE id {{ids}}"
_BY_KEY = f"SELECT {COLUMNS} FROM transactions WHERE key {{ids}}"
_REVERSALS = f"SELECT {COLUMNS} FROM transactions WHERE reverses {{ids}}"
_LATER = (
    f"SELECT {COLUMNS}, reverses FROM transactions WHERE id IN (SELECT transaction_id FROM entries "
    "WHERE account_id {ids}) AND kind IN ('expire', 'forfeit', 'prolong', 'reverse') ORDER BY id"
)
_BY_ID = f"SELECT {COLUMNS} FROM transactions WHERE id {{ids}}"


class Books:
    """What the ledger's postings read and change before they are written."""

    def __init__(self, connection: Connection, undo: Undo) -> None:
        self._connection = connection
        self._undo = undo
        self._accounts: dict[str, Account] = {}
        self._books: dict[str, Book] = {}
        self._records: dict[str, Record | None] = {}
        self._holds: dict[str, tuple[str, Hold, str | None]] = {}
        self._open: dict[str, tuple[str, ...]] = {}
        self._pending: list[Record] = []
        self._settled: dict[str, bool] = {}

    # --- reading -------------------------------------------------------------------------------

    def loading(self, member_ids: Iterable[str], keys: Iterable[str] = ()) -> Loading:
        """Lock and read these books, and look these keys up.

        Locked in the order of ids, so that two programs never lock two books crosswise; what hangs
        on them is read after, so that it is as the lock's last holder left it.
        """
        members = sorted(set(member_ids) - self._books.keys())
        unknown = sorted(set(keys) - self._records.keys())
        ids = [account_id(kind, member) for kind in OWN for member in members]
        asked = []
        if members:
            asked += [Query(_ACCOUNTS, ids, lock=True), Query(_LOTS, ids), Query(_OPEN_HOLDS, ids)]
        if unknown:
            asked.append(Query(_BY_KEY, unknown))
        if not asked:
            return
        found = yield asked
        if members:
            self._take_books(members, *found[:3])
        if unknown:
            records = {row[1]: record_of(row) for row in found[-1]}
            self._records.update({key: records.get(key) for key in unknown})

    def _take_books(
        self, members: Sequence[str], accounts: Rows, stored: Rows, holds: Rows
    ) -> None:
        for id, balance, held, seq, head in accounts:
            self._accounts[id] = Account(balance, held, seq, bytes(head))
        lots: dict[str, dict[LotKey, Lot]] = {member: {} for member in members}
        for account, expires, available, source, remaining, held in stored:
            lot = Lot(instant(expires), source, remaining, held, instant(available))
            lots[member_of(account)][lot.key] = lot
        self._take_holds(holds)
        for member in members:
            own = self._accounts.get(account_id("member", member))
            owed = self._accounts.get(account_id("debt", member))
            self._books[member] = Book(
                own.balance if own else 0,
                own.held if own else 0,
                -owed.balance if owed else 0,
                lots[member],
            )

    def _take_holds(self, rows: Rows) -> None:
        for row in rows:
            account, hold, settled_by = hold_of(row)
            if hold.id in self._holds:
                continue  # ours is newer
            self._holds[hold.id] = (account, hold, settled_by)
            if hold.status == "open":
                mine = self._open.get(account, ())
                if hold.id not in mine:
                    self._open[account] = (*mine, hold.id)

    def load(self, member_ids: Iterable[str], keys: Iterable[str] = ()) -> None:
        """The same at once."""
        load(self._connection, self.loading(member_ids, keys))

    def _select(self, text: str, *ids: Any) -> Rows:
        if not ids:
            return ()
        [rows] = answered(self._connection, [Query(text, list(ids))])
        return rows

    def book(self, member_id: str) -> Book:
        """The member's book, locked."""
        if member_id not in self._books:
            self.load([member_id])
        return self._books[member_id]

    @property
    def members(self) -> Iterable[str]:
        """Whose books are locked."""
        return self._books

    def known(self, member_id: str) -> bool:
        return member_id in self._books

    def record(self, key: str) -> Record | None:
        """The transaction with this key, stored or about to be."""
        if key not in self._records:
            self.load((), [key])
        return self._records[key]

    def hold(self, hold_id: str) -> tuple[str, Hold, str | None] | None:
        """The hold with its member, and the key of what settled it."""
        if hold_id not in self._holds:
            self._take_holds(self._select(_HOLDS, hold_id))
        found = self._holds.get(hold_id)
        return None if found is None else (member_of(found[0]), found[1], found[2])

    def refresh_hold(self, hold_id: str) -> None:
        """Read a hold again, now that its book is locked, unless it changed here."""
        if hold_id not in self._settled:
            self._holds.pop(hold_id, None)
            self._take_holds(self._select(_HOLDS, hold_id))

    def overdue(self, member_id: str, now: datetime) -> list[str]:
        """Open holds past their deadline, the oldest first."""
        if not self._books[member_id].held:
            return []
        mine = (self._holds[id][1] for id in self._open.get(account_id("member", member_id), ()))
        late = [hold for hold in mine if hold.status == "open" and hold.expires_at <= now]
        return [hold.id for hold in sorted(late, key=lambda hold: (hold.expires_at, hold.id))]

    def original(self, record: Record) -> Original:
        """A transaction with what was reversed of it; its book must be locked."""
        stored = (
            [record_of(row) for row in self._select(_REVERSALS, record.id)] if record.id else []
        )
        mine = [each for each in self._pending if each.reverses is record]
        posted = record.posted
        points = sum(each.posted.points for each in (*stored, *mine))
        moves = record.moves_of(posted.member_id)
        lots = self._books[posted.member_id].lots
        there = sum(lots[key].free for key in {move.key for move in moves} if key in lots)
        wanted = posted.points - points
        # Mostly all of it is there; only where it is not, it matters where it went.
        gone = lapsed_since(posted.key, moves, self._later(record)) if there < wanted else 0
        return Original(posted.key, posted.kind, posted.points, moves, points, gone)

    def _later(self, record: Record) -> Iterator[Later]:
        """What became of a member's lots after a transaction, in order."""
        member_id = record.posted.member_id
        rows = self._select(_LATER, account_id("member", member_id)) if record.id else []
        stored = [(record_of(row), row[-1]) for row in rows if row[0] > record.id]
        reversed_ids = {of for _, of in stored if of is not None}
        found = {row[0]: record_of(row) for row in self._select(_BY_ID, *reversed_ids)}
        known = [(each, found.get(of)) for each, of in stored]
        pending = self._pending[self._place(record) :]
        for each, of in (*known, *((each, each.reverses) for each in pending)):
            if each.posted.member_id == member_id:
                yield _as_later(each, member_id, of)

    def _place(self, record: Record) -> int:
        """From where on pending records come after this one."""
        return self._pending.index(record) + 1 if record in self._pending else 0

    def given_at(self, member_id: str) -> datetime | None:
        """When a member was last given points without a date, stored or about to be."""
        for record in reversed(self._pending):
            moves = record.moves_of(member_id) if record.posted.kind in GIVING else ()
            if any(move.expires_at == UNDATED and move.amount > 0 for move in moves):
                return record.posted.at
        return given_at(self._connection, member_id)

    # --- changing ------------------------------------------------------------------------------

    def post(self, posting: Posting, record: Record, other_id: str | None = None) -> Posted:
        """Apply a decided posting; it is written with the rest."""
        posted, undo = record.posted, self._undo
        self._apply(record, posted.member_id, posting.side.legs, posting.side.moves)
        undo.put(self._books, posted.member_id, posting.side.book)
        if posting.other and other_id:
            record.other_id = other_id
            self._apply(record, other_id, posting.other.legs, posting.other.moves)
            undo.put(self._books, other_id, posting.other.book)
        if hold := posting.hold:
            account = account_id("member", posted.member_id)
            by = None if hold.status == "open" else posted.key
            undo.put(self._holds, hold.id, (account, hold, by))
            undo.put(self._settled, hold.id, True)
            if hold.status == "open":
                undo.put(self._open, account, (*self._open.get(account, ()), hold.id))
        undo.put(self._records, posted.key, record)
        undo.append(self._pending, record)
        return posted

    def _apply(
        self, record: Record, member_id: str, legs: Sequence[Leg], moves: Sequence[Move]
    ) -> None:
        record.legs.extend((account_id(leg.account, member_id), leg) for leg in legs)
        record.moves.extend((member_id, move) for move in moves)

    # --- writing -------------------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        return bool(self._pending)

    def flush(self) -> None:
        """Number, seal and write what was posted; the log's head is locked until the commit."""
        if not self._pending:
            return
        lots: dict[tuple[str, LotKey], Any] = {}
        for record in self._pending:
            for member, move in record.moves:
                lots[account_id("member", member), move.key] = member
        changed = [
            (account, *key[:2], key.source, *self._left(member, key))
            for (account, key), member in sorted(lots.items())
        ]
        holds = [self._holds[id] for id in self._settled]
        write(self._connection, Written(self._pending, self._accounts, changed, holds))
        self._pending.clear()
        self._settled.clear()

    def forget(self) -> None:
        """Look again: what is known here was taken back."""
        for known in (self._accounts, self._books, self._records, self._holds, self._open):
            known.clear()
        self._pending.clear()
        self._settled.clear()

    def forget_but(self, kept: set[str]) -> None:
        """Look again at the books of everybody else."""
        for member in self._books.keys() - kept:
            del self._books[member]
            for kind in OWN:
                self._accounts.pop(account_id(kind, member), None)
                self._open.pop(account_id(kind, member), None)
            mine = [id for id, hold in self._holds.items() if member_of(hold[0]) == member]
            for id in mine:
                del self._holds[id]

    def _left(self, member_id: str, key: LotKey) -> tuple[int, int]:
        lot = self._books[member_id].lots[key]
        return lot.remaining, lot.held


def _as_later(record: Record, member_id: str, of: Record | None = None) -> Later:
    posted = record.posted
    return Later(
        posted.key,
        posted.kind,
        record.moves_of(member_id),
        posted.debt_change,
        posted.lapsed,
        _as_later(of, member_id) if of else None,
    )
