"""Undoing a transaction: earned points are taken back, spent points are given back."""

from datetime import datetime

from loyalty.book import Book, Leg, Move, Original, Posting, draw, moved, settle, soonest_first
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


def _take_back(
    request: Reverse, original: Original, points: int, book: Book, now: datetime
) -> Posting:
    """From its own lot, then what lapses soonest, never from what is held (rule 1)."""
    if request.policy not in POLICIES:
        message = f"must be one of {', '.join(POLICIES)}"
        problem = {"field": "policy", "code": "unknown", "message": message}
        raise Invalid(f"There is no policy {request.policy!r}.", [problem])
    own = {move.key for move in original.moves}
    first = [lot for key, lot in book.lots.items() if key in own]
    others = [lot for lot in soonest_first(book, now) if lot.key not in own]
    drawn = draw([*first, *others], points)
    taken = sum(n for _, n in drawn)
    short = points - taken
    if short and request.policy == "stop":
        raise NotEnoughPoints(points, taken)
    owed = short if request.policy == "debt" else 0
    legs = (Leg("member", "issuance", -taken), Leg("debt", "issuance", -owed))
    posting = settle("reverse", points, book, now, legs, moved(drawn))
    return posting._replace(shortfall=short - owed)


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
