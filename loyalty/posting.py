"""The ledger's rules: what one request does to one member's book, decided on loaded state.

Pure: no clock, no database. The caller locks the book, loads it, asks `decide`, and writes what
comes back. Refusals are raised and nothing is written for them.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from loyalty.book import Book, Hold, Leg, Lot, Move, Original, Posting, available, lapsed, settle
from loyalty.errors import Invalid, WrongState
from loyalty.ledger import (
    POLICIES,
    UNDATED,
    AccountKind,
    Burn,
    Confirm,
    Earn,
    Expire,
    HoldClosed,
    NotEnoughPoints,
    Release,
    Request,
    Reserve,
    ReversalTooLarge,
    Reverse,
)


def decide(request: Request, book: Book, now: datetime) -> Posting:
    """Apply one request to one member's book, or raise why not."""
    match request:
        case Earn():
            return _earn(request, book, now)
        case Burn():
            return _burn(request, book, now)
        case Reserve():
            return _reserve(request, book, now)
        case Confirm():
            return _confirm(request, book, now)
        case Release():
            return _release(book, now)
        case Reverse():
            return _reverse(request, book, now)
        case Expire():
            return _expire(request, book, now)


def _at_least_one(points: int) -> None:
    if points < 1:
        problem = {"field": "points", "code": "too_few", "message": "must be at least 1"}
        raise Invalid(f"{points} points cannot be posted.", [problem])


def _earn(request: Earn, book: Book, now: datetime) -> Posting:
    _at_least_one(request.points)
    repaid = min(request.points, book.debt)
    kept = request.points - repaid
    legs: dict[AccountKind, Leg] = {
        "issuance": Leg(-request.points),
        "member": Leg(kept),
        "debt": Leg(repaid),
    }
    move = Move(request.expires_at or UNDATED, request.source, kept)
    return settle(request.kind, request.points, book, now, legs, [move])


def _draw(lots: Iterable[Lot], points: int) -> list[tuple[Lot, int]]:
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


def _soonest_first(book: Book, now: datetime) -> list[Lot]:
    return sorted((lot for lot in book.lots if lot.expires_at > now), key=lambda lot: lot.key)


def _pay(book: Book, points: int, now: datetime) -> list[tuple[Lot, int]]:
    _at_least_one(points)
    there = available(book.lots, book.debt, now)
    if there < points:
        raise NotEnoughPoints(points, there)
    return _draw(_soonest_first(book, now), points)


def _burn(request: Burn, book: Book, now: datetime) -> Posting:
    moves = [Move(lot.expires_at, lot.source, -n) for lot, n in _pay(book, request.points, now)]
    legs: dict[AccountKind, Leg] = {
        "member": Leg(-request.points),
        "redemption": Leg(request.points),
    }
    return settle("burn", request.points, book, now, legs, moves)


def _reserve(request: Reserve, book: Book, now: datetime) -> Posting:
    drawn = _pay(book, request.points, now)
    hold = Hold(
        id=request.hold_id,
        amount=request.points,
        status="open",
        expires_at=request.expires_at,
        allocation=tuple((lot.expires_at, lot.source, n) for lot, n in drawn),
    )
    moves = [Move(lot.expires_at, lot.source, 0, n) for lot, n in drawn]
    return settle("hold", hold.amount, book, now, {"member": Leg(0, hold.amount)}, moves, hold)


def _open_hold(book: Book) -> Hold:
    if book.hold is None:
        raise ValueError("the book was loaded without its hold")
    if book.hold.status != "open":
        raise HoldClosed(book.hold.id, book.hold.status)
    return book.hold


def _confirm(request: Confirm, book: Book, now: datetime) -> Posting:
    hold = _open_hold(book)
    if hold.expires_at <= now:
        raise HoldClosed(hold.id, "expired")
    points = hold.amount if request.points is None else request.points
    _at_least_one(points)
    if points > hold.amount:
        raise NotEnoughPoints(points, hold.amount)
    moves, left = [], points
    for expires_at, source, part in hold.allocation:
        spent = min(left, part)
        left -= spent
        moves.append(Move(expires_at, source, -spent, -part))
    legs: dict[AccountKind, Leg] = {
        "member": Leg(-points, -hold.amount),
        "redemption": Leg(points),
    }
    settled = replace(hold, status="confirmed")
    return settle("confirm", points, book, now, legs, moves, settled)


def _release(book: Book, now: datetime) -> Posting:
    hold = _open_hold(book)
    moves = [Move(expires_at, source, 0, -part) for expires_at, source, part in hold.allocation]
    settled = replace(hold, status="expired" if hold.expires_at <= now else "released")
    legs: dict[AccountKind, Leg] = {"member": Leg(0, -hold.amount)}
    return settle("release", hold.amount, book, now, legs, moves, settled)


def _reverse(request: Reverse, book: Book, now: datetime) -> Posting:
    original = book.original
    if original is None:
        raise ValueError("the book was loaded without the original")
    left = original.points - original.reversed_points
    points = left if request.points is None else request.points
    if left == 0 or points > left:
        raise ReversalTooLarge(original.key, points, left)
    _at_least_one(points)
    if original.kind in ("earn", "grant"):
        return _take_back(request, original, points, book, now)
    if original.kind in ("burn", "confirm"):
        return _give_back(original, points, book, now)
    raise WrongState(
        f"A transaction of kind {original.kind!r} cannot be reversed.", kind=original.kind
    )


def _take_back(
    request: Reverse, original: Original, points: int, book: Book, now: datetime
) -> Posting:
    """From its own lot, then what lapses soonest, never from what is held (rule 1)."""
    if request.policy not in POLICIES:
        message = f"must be one of {', '.join(POLICIES)}"
        problem = {"field": "policy", "code": "unknown", "message": message}
        raise Invalid(f"There is no policy {request.policy!r}.", [problem])
    own = {move.key for move in original.moves}
    first = [lot for lot in book.lots if lot.key in own]
    others = [lot for lot in _soonest_first(book, now) if lot.key not in own]
    drawn = _draw([*first, *others], points)
    taken = sum(n for _, n in drawn)
    short = points - taken
    if short and request.policy == "stop":
        raise NotEnoughPoints(points, taken)
    owed = short if request.policy == "debt" else 0
    legs: dict[AccountKind, Leg] = {
        "issuance": Leg(taken + owed),
        "member": Leg(-taken),
        "debt": Leg(-owed),
    }
    moves = [Move(lot.expires_at, lot.source, -n) for lot, n in drawn]
    posting = settle("reverse", points, book, now, legs, moves)
    return replace(posting, shortfall=short - owed)


def _give_back(original: Original, points: int, book: Book, now: datetime) -> Posting:
    """To the same lots with the same expiry (rule 3), last spent first.

    What stays spent is then exactly what a smaller burn would have taken.
    """
    moves, left = [], points
    for move in sorted(original.moves, key=lambda move: move.key, reverse=True):
        part = min(left, -move.amount - original.returned.get(move.key, 0))
        left -= part
        moves.append(Move(move.expires_at, move.source, part))
    legs: dict[AccountKind, Leg] = {"member": Leg(points), "redemption": Leg(-points)}
    return settle("reverse", points, book, now, legs, moves)


def _expire(request: Expire, book: Book, now: datetime) -> Posting:
    if request.before > now:
        problem = {"field": "before", "code": "in_future", "message": "must not be in the future"}
        raise Invalid("Points cannot lapse before their time.", [problem])
    moves = [
        Move(lot.expires_at, lot.source, -lot.free) for lot in lapsed(book.lots, request.before)
    ]
    points = -sum(move.amount for move in moves)
    _at_least_one(points)
    legs: dict[AccountKind, Leg] = {"member": Leg(-points), "breakage": Leg(points)}
    return settle("expire", points, book, now, legs, moves)
