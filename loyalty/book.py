"""A member's points book as the ledger's rules see it: lots, holds, and what a posting changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from loyalty.ledger import AccountKind, HoldStatus

LotKey = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Lot:
    """Points of one source that lapse at one instant."""

    expires_at: datetime
    source: str
    remaining: int
    held: int = 0

    @property
    def key(self) -> LotKey:
        return (self.expires_at, self.source)

    @property
    def free(self) -> int:
        return self.remaining - self.held


@dataclass(frozen=True, slots=True)
class Move:
    """What a transaction did to one lot."""

    expires_at: datetime
    source: str
    amount: int
    held_delta: int = 0

    @property
    def key(self) -> LotKey:
        return (self.expires_at, self.source)


@dataclass(frozen=True, slots=True)
class Leg:
    """What a transaction did to one account."""

    amount: int
    held_delta: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    id: str
    amount: int
    status: HoldStatus
    expires_at: datetime
    allocation: tuple[tuple[datetime, str, int], ...]


@dataclass(frozen=True, slots=True)
class Original:
    """A transaction to be reversed, with what was reversed of it before."""

    key: str
    kind: str
    points: int
    moves: tuple[Move, ...]
    reversed_points: int = 0
    returned: Mapping[LotKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Book:
    """One member's points as they are before a request; lots with nothing left may be absent."""

    balance: int = 0
    debt: int = 0
    lots: tuple[Lot, ...] = ()
    hold: Hold | None = None
    original: Original | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """What is to be written. `book` is how things stand afterwards."""

    kind: str
    points: int
    legs: Mapping[AccountKind, Leg]
    moves: tuple[Move, ...]
    book: Book
    available_after: int
    hold: Hold | None = None
    shortfall: int = 0
    debt_change: int = 0


def available(lots: Iterable[Lot], debt: int, now: datetime) -> int:
    """What can be spent: live points, less what is held, less what is owed."""
    return max(0, sum(lot.free for lot in lots if lot.expires_at > now) - debt)


def lapsed(lots: Iterable[Lot], before: datetime) -> list[Lot]:
    """Lots to break, chosen by shape and never by label (rule 5); the instant is exclusive."""
    return [lot for lot in lots if lot.expires_at <= before and lot.free > 0]


def settle(
    kind: str,
    points: int,
    book: Book,
    now: datetime,
    legs: dict[AccountKind, Leg],
    moves: Sequence[Move],
    hold: Hold | None = None,
) -> Posting:
    """The posting and the book after it; legs and moves of nothing are left out."""
    legs = {kind: leg for kind, leg in legs.items() if leg.amount or leg.held_delta}
    moves = tuple(move for move in moves if move.amount or move.held_delta)
    lots = {lot.key: lot for lot in book.lots}
    for move in moves:
        lot = lots.get(move.key) or Lot(move.expires_at, move.source, 0)
        lots[move.key] = replace(
            lot, remaining=lot.remaining + move.amount, held=lot.held + move.held_delta
        )
    change = legs.get("debt", Leg(0)).amount
    after = Book(
        balance=book.balance + legs.get("member", Leg(0)).amount,
        debt=book.debt - change,
        lots=tuple(lots.values()),
    )
    return Posting(
        kind=kind,
        points=points,
        legs=legs,
        moves=moves,
        book=after,
        available_after=available(after.lots, after.debt, now),
        hold=hold,
        debt_change=-change,
    )
