"""Undoing a transaction: earned points are taken back, spent points are given back."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from loyalty.book import (
    Book,
    Leg,
    LotKey,
    Move,
    Original,
    Posting,
    draw,
    moved,
    settle,
    soonest_first,
)
from loyalty.errors import Invalid, WrongState
from loyalty.ledger import POLICIES, NotEnoughPoints, ReversalTooLarge, Reverse


def reverse(request: Reverse, book: Book, now: datetime) -> Posting:
    """All that is left of the original, or a part; never more than it moved."""
    original = book.original
    if original is None:
        raise ValueError("the book was loaded without the original")
    left = original.points - original.reversed_points
    points = left if request.points is None else request.points
    if left == 0 or points > left:
        raise ReversalTooLarge(original.key, points, left)
    if points < 1:
        problem = {"field": "points", "code": "too_few", "message": "must be at least 1"}
        raise Invalid(f"{points} points cannot be posted.", [problem])
    if original.kind in ("earn", "grant"):
        return _take_back(request, original, points, book, now)
    if original.kind in ("burn", "confirm"):
        return _give_back(request, original, points, book, now)
    raise WrongState(
        f"A transaction of kind {original.kind!r} cannot be reversed.", kind=original.kind
    )


class Later(NamedTuple):
    """What became of a member's points after a transaction. `of`: what it reversed, if anything."""

    key: str
    kind: str
    moves: tuple[Move, ...]
    debt_change: int = 0
    lapsed: int = 0
    of: "Later | None" = None


def lapsed_since(key: str, moves: Iterable[Move], later: Iterable[Later]) -> int:
    """How many points of an earning's lots lapsed since, and no return has left out for it yet.

    Lots are shared by many earnings: of all that lapsed, each has no more than it put in.
    """
    own = {move.key for move in moves}
    put, gone = sum(move.amount for move in moves), 0
    for each in later:
        if each.kind == "prolong" and any(move.key in own for move in each.moves):
            own |= {move.key for move in each.moves}
        elif each.kind in ("expire", "forfeit"):
            gone += sum(n for lot, n in _of_no_use(each) if lot in own)
        elif each.of and each.of.kind in ("earn", "grant"):
            if own & {move.key for move in each.of.moves}:
                gone -= each.lapsed
            if each.of.key == key:
                put -= each.lapsed
    return max(0, min(put, gone))


def _of_no_use(expiry: Later) -> Iterator[tuple[LotKey, int]]:
    """What lapsed of each lot; the first of it may have paid a debt with its last breath."""
    paid = max(0, -expiry.debt_change)
    for move in sorted(expiry.moves, key=lambda move: move.key):
        used = min(paid, -move.amount)
        paid -= used
        yield move.key, -move.amount - used


def _take_back(
    request: Reverse, original: Original, points: int, book: Book, now: datetime
) -> Posting:
    """From its own lot, then what lapses soonest, never from what is held (rule 1).

    What of its lot has lapsed is gone already: it is taken from nothing else, and not owed.
    """
    if request.policy not in POLICIES:
        message = f"must be one of {', '.join(POLICIES)}"
        problem = {"field": "policy", "code": "unknown", "message": message}
        raise Invalid(f"There is no policy {request.policy!r}.", [problem])
    own = {move.key for move in original.moves}
    first = [lot for key, lot in book.lots.items() if key in own]
    others = [lot for lot in soonest_first(book, now) if lot.key not in own]
    drawn = draw(first, points)
    lapsed = min(original.lapsed, points - sum(n for _, n in drawn))
    drawn += draw(others, points - lapsed - sum(n for _, n in drawn))
    taken = sum(n for _, n in drawn)
    short = points - lapsed - taken
    if short and request.policy == "stop":
        raise NotEnoughPoints(points, taken)
    owed = short if request.policy == "debt" else 0
    legs = (
        Leg("member", "breakage", lapsed),
        Leg("member", "issuance", -taken - lapsed),
        Leg("debt", "issuance", -owed),
    )
    posting = settle("reverse", points, book, now, legs, moved(drawn))
    return posting._replace(shortfall=short - owed, lapsed=lapsed)


def _give_back(
    request: Reverse, original: Original, points: int, book: Book, now: datetime
) -> Posting:
    """To the same lots with the same expiry (rule 3), last spent first.

    What stays spent is then exactly what a smaller burn would have taken. A lot that is over by
    now lives on where the shop is at fault, and otherwise its points lapse as they return (rule 7).
    """
    moves, left, lapsed = [], points, 0
    # What was returned before went the same way, so it is the first so many points of it.
    before = original.reversed_points
    for move in sorted(original.moves, key=lambda move: move.key, reverse=True):
        passed = min(before, -move.amount)
        before -= passed
        part = min(left, -move.amount - passed)
        left -= part
        expires_at = move.expires_at
        if expires_at <= now:
            if request.reinstate_until is None:
                lapsed += part
                continue
            expires_at = request.reinstate_until
        moves.append(Move(expires_at, move.source, part, 0, move.available_at))
    legs = (
        Leg("member", "redemption", points - lapsed),
        Leg("member", "redemption", lapsed),
        Leg("member", "breakage", -lapsed),
    )
    posting = settle("reverse", points, book, now, legs, moves)
    return posting._replace(lapsed=lapsed)
