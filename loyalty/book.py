"""A member's points book as the ledger's rules see it: lots, holds, and what a posting changes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from loyalty.ledger import AT_ONCE, Contra, HoldStatus, OwnKind


class LotKey(NamedTuple):
    """What makes points one lot, in the order they are spent: soonest expiry, then oldest."""

    expires_at: datetime
    available_at: datetime
    source: str


class Lot(NamedTuple):
    """Points of one source that lapse at one instant, and can be spent from another."""

    expires_at: datetime
    source: str
    remaining: int
    held: int = 0
    available_at: datetime = AT_ONCE

    @property
    def key(self) -> LotKey:
        return LotKey(self.expires_at, self.available_at, self.source)

    @property
    def free(self) -> int:
        return self.remaining - self.held

    def live(self, now: datetime) -> bool:
        """Whether it can be spent: its return window is over, its end has not come."""
        return self.available_at <= now < self.expires_at


class Move(NamedTuple):
    """What a transaction did to one lot."""

    expires_at: datetime
    source: str
    amount: int
    held_delta: int = 0
    available_at: datetime = AT_ONCE

    @property
    def key(self) -> LotKey:
        return LotKey(self.expires_at, self.available_at, self.source)


class Leg(NamedTuple):
    """One entry: what moved on a member's account, and which account is its other side."""

    account: OwnKind
    contra: Contra
    amount: int
    held_delta: int = 0


class Hold(NamedTuple):
    """Points set aside, each from its lot."""

    id: str
    amount: int
    status: HoldStatus
    expires_at: datetime
    allocation: tuple[tuple[LotKey, int], ...]


class Original(NamedTuple):
    """A transaction to be reversed, with what was reversed of it before.

    `lapsed`: so many points of its lots are gone because their time was over.
    """

    key: str
    kind: str
    points: int
    moves: tuple[Move, ...]
    reversed_points: int = 0
    lapsed: int = 0


class Book(NamedTuple):
    """One member's points as they are before a request; lots with nothing left may be absent."""

    balance: int = 0
    held: int = 0
    debt: int = 0
    lots: Mapping[LotKey, Lot] = {}
    hold: Hold | None = None
    original: Original | None = None


class Side(NamedTuple):
    """What a posting does to one member, and the member's book afterwards."""

    legs: tuple[Leg, ...]
    moves: tuple[Move, ...]
    book: Book


class Posting(NamedTuple):
    """What is to be written. `other` is the receiving member's side of a transfer."""

    kind: str
    points: int
    side: Side
    available_after: int
    hold: Hold | None = None
    shortfall: int = 0
    debt_change: int = 0
    lapsed: int = 0
    other: Side | None = None

    @property
    def book(self) -> Book:
        return self.side.book


def lots_of(*lots: Lot) -> dict[LotKey, Lot]:
    """Lots by their keys."""
    return {lot.key: lot for lot in lots}


def available(lots: Iterable[Lot], debt: int, now: datetime) -> int:
    """What can be spent: live points, less what is held, less what is owed."""
    free = 0
    for lot in lots:
        if lot.available_at <= now < lot.expires_at:
            free += lot.remaining - lot.held
    return max(0, free - debt)


def lapsed(lots: Iterable[Lot], before: datetime) -> list[Lot]:
    """Lots to break, soonest first, chosen by shape and never by label (rule 5); exclusive."""
    gone = (lot for lot in lots if lot.expires_at <= before and lot.free > 0)
    return sorted(gone, key=lambda lot: lot.key)


def soonest_first(book: Book, now: datetime) -> list[Lot]:
    """What can be spent, in the order it is spent (rule 4)."""
    lots = book.lots
    return [lots[key] for key in sorted(lots) if key.available_at <= now < key.expires_at]


def draw(lots: Iterable[Lot], points: int) -> list[tuple[Lot, int]]:
    """Take up to `points` from the free part of lots in the order given."""
    drawn: list[tuple[Lot, int]] = []
    for lot in lots:
        if points == 0:
            break
        part = min(points, lot.free)
        if part > 0:
            drawn.append((lot, part))
            points -= part
    return drawn


def moved(drawn: Iterable[tuple[Lot, int]]) -> list[Move]:
    """What was drawn, as moves out of its lots."""
    return [Move(lot.expires_at, lot.source, -n, 0, lot.available_at) for lot, n in drawn]


def side(book: Book, legs: Iterable[Leg], moves: Iterable[Move]) -> Side:
    """The book after legs and moves; those of nothing are left out."""
    legs = tuple(leg for leg in legs if leg.amount or leg.held_delta)
    moves = tuple(move for move in moves if move.amount or move.held_delta)
    lots = dict(book.lots)
    for move in moves:
        key = move.key
        lot = lots.get(key)
        lots[key] = Lot(
            move.expires_at,
            move.source,
            move.amount + (lot.remaining if lot else 0),
            move.held_delta + (lot.held if lot else 0),
            move.available_at,
        )
    balance, held, debt = book.balance, book.held, book.debt
    for leg in legs:
        if leg.account == "member":
            balance += leg.amount
            held += leg.held_delta
        else:
            debt -= leg.amount
    return Side(legs, moves, Book(balance, held, debt, lots))


def settle(
    kind: str,
    points: int,
    book: Book,
    now: datetime,
    legs: Iterable[Leg],
    moves: Iterable[Move],
    hold: Hold | None = None,
) -> Posting:
    """The posting that these legs and moves make on one book."""
    done = side(book, legs, moves)
    after = done.book
    return Posting(
        kind,
        points,
        done,
        available(after.lots.values(), after.debt, now),
        hold,
        debt_change=after.debt - book.debt,
    )
