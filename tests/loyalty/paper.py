"""A ledger kept on paper: the rules of `loyalty.posting` on books in a dictionary."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from loyalty.book import Book, Hold, Move, Original, Posting, Side, lapsed
from loyalty.errors import KeyReused, Unknown
from loyalty.ledger import (
    Confirm,
    Expire,
    Release,
    Request,
    Reverse,
    Transfer,
)
from loyalty.posting import decide, transfer
from loyalty.reversing import Later, lapsed_since

T = TypeVar("T")
Asked = Request | Transfer


class Told(NamedTuple):
    """What a posting tells its caller, whoever records it."""

    key: str
    kind: str
    member_id: str
    points: int
    balance_after: int
    available_after: int
    shortfall: int
    debt_change: int
    lapsed: int


@dataclass
class Line:
    """One posted transaction."""

    told: Told
    request: Asked
    moves: tuple[Move, ...]
    reverses: str | None = None


class Paper:
    """Books, holds and lines of a few members; a refusal leaves them as they were."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self.holds: dict[str, tuple[str, Hold, str | None]] = {}
        self.lines: dict[str, Line] = {}
        self.sums: Counter[str] = Counter()

    def state(self) -> object:
        """Everything, to be compared."""
        books = {
            member: book._replace(lots={k: lot for k, lot in book.lots.items() if lot.remaining})
            for member, book in self.books.items()
        }
        return books, dict(self.holds), dict(self.lines), +self.sums, -self.sums

    def whole(self, work: Callable[[], T]) -> T:
        """All of it or nothing."""
        kept = dict(self.books), dict(self.holds), dict(self.lines), self.sums.copy()
        try:
            return work()
        except Exception:
            self.books, self.holds, self.lines, self.sums = kept
            raise

    def post(self, key: str, request: Asked, now: datetime) -> Told | None:
        """One request; the same key again tells the same again. None: nothing was to be done."""
        return self.whole(lambda: self._post(key, request, now))

    def member_of(self, request: Asked) -> str:
        if isinstance(request, Confirm | Release):
            if request.hold_id not in self.holds:
                raise Unknown("hold", request.hold_id)
            return self.holds[request.hold_id][0]
        if isinstance(request, Reverse):
            if request.transaction_key not in self.lines:
                raise Unknown("transaction", request.transaction_key)
            return self.lines[request.transaction_key].told.member_id
        return request.member_id

    def _post(self, key: str, request: Asked, now: datetime) -> Told | None:
        member = self.member_of(request)
        if known := self.lines.get(key):
            if known.request != request:
                raise KeyReused("posting", key)
            return known.told
        kept = request.hold_id if isinstance(request, Confirm | Release) else None
        self._sweep(member, now, kept)
        book = self.books.get(member, Book())
        if isinstance(request, Transfer):
            self._sweep(request.to_member_id, now, None)
            book = self.books.get(member, Book())
            other = self.books.get(request.to_member_id, Book())
            posting = transfer(request, book, other, now)
            return self._write(key, request, member, posting)
        if isinstance(request, Expire) and not lapsed(book.lots.values(), request.before):
            return None
        if kept:
            _, hold, settled_by = self.holds[kept]
            if isinstance(request, Release) and hold.status in ("released", "expired"):
                assert settled_by
                return self.lines[settled_by].told
            book = book._replace(hold=hold)
        if isinstance(request, Reverse):
            book = book._replace(original=self._original(request.transaction_key))
        return self._write(key, request, member, decide(request, book, now))

    def _sweep(self, member: str, now: datetime, kept: str | None) -> None:
        """Holds past their deadline are given back, the oldest first."""
        late = [
            hold
            for who, hold, _ in self.holds.values()
            if who == member and hold.status == "open" and hold.expires_at <= now
        ]
        for hold in sorted(late, key=lambda hold: (hold.expires_at, hold.id)):
            if hold.id != kept:
                book, request = self.books[member]._replace(hold=hold), Release(hold.id)
                self._write(f"overdue:{hold.id}", request, member, decide(request, book, now))

    def _original(self, key: str) -> Original:
        line = self.lines[key]
        reversed_points = sum(x.told.points for x in self.lines.values() if x.reverses == key)
        lapsed = lapsed_since(key, line.moves, self._later(key))
        return Original(key, line.told.kind, line.told.points, line.moves, reversed_points, lapsed)

    def _later(self, key: str) -> list[Later]:
        """What became of the member's points after a line."""
        keys, member = list(self.lines), self.lines[key].told.member_id
        after = (self.lines[each] for each in keys[keys.index(key) + 1 :])
        return [self._as_later(line) for line in after if line.told.member_id == member]

    def _as_later(self, line: Line) -> Later:
        told, of = line.told, self._as_later(self.lines[line.reverses]) if line.reverses else None
        return Later(told.key, told.kind, line.moves, told.debt_change, told.lapsed, of)

    def _write(self, key: str, request: Asked, member: str, posting: Posting) -> Told:
        before = self.books.get(member, Book())
        self._apply(member, posting.side)
        if posting.other and isinstance(request, Transfer):
            self._apply(request.to_member_id, posting.other)
        if hold := posting.hold:
            self.holds[hold.id] = (member, hold, None if hold.status == "open" else key)
        told = Told(
            key,
            posting.kind,
            member,
            posting.points,
            posting.book.balance,
            posting.available_after,
            posting.shortfall,
            posting.debt_change,
            posting.lapsed,
        )
        assert posting.debt_change == posting.book.debt - before.debt
        reverses = request.transaction_key if isinstance(request, Reverse) else None
        self.lines[key] = Line(told, request, posting.side.moves, reverses)
        return told

    def _apply(self, member: str, side: Side) -> None:
        """Take over the book afterwards, and sum both sides of every entry by account."""
        assert sum(leg.amount for leg in side.legs if leg.account == "member") == sum(
            move.amount for move in side.moves
        )
        for leg in side.legs:
            self.sums[leg.account] += leg.amount
            self.sums[leg.contra] -= leg.amount
        self.books[member] = side.book
