"""The ledger's rules: what one request does to one member's book, decided on loaded state.

Pure: no clock, no database. The caller locks the book, loads it, asks `decide`, and writes what
comes back. Refusals are raised and nothing is written for them.
"""

from datetime import datetime

from loyalty.book import (
    Book,
    Hold,
    Leg,
    Lot,
    Move,
    Posting,
    available,
    draw,
    lapsed,
    moved,
    settle,
    side,
    soonest_first,
)
from loyalty.errors import Invalid, WrongState
from loyalty.ledger import (
    AT_ONCE,
    UNDATED,
    Adjust,
    Burn,
    Confirm,
    Earn,
    Expire,
    Forfeit,
    HoldClosed,
    NotEnoughPoints,
    Prolong,
    Release,
    Request,
    Reserve,
    Reverse,
    Transfer,
)
from loyalty.reversing import reverse


def decide(request: Request, book: Book, now: datetime) -> Posting:  # noqa: C901 - one case each
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
            return reverse(request, book, now)
        case Expire():
            return _expire(request, book, now)
        case Prolong():
            return _prolong(request, book, now)
        case Adjust():
            return _adjust(request, book, now)
        case Forfeit():
            return _forfeit(book, now)


def _at_least_one(points: int) -> None:
    if points < 1:
        problem = {"field": "points", "code": "too_few", "message": "must be at least 1"}
        raise Invalid(f"{points} points cannot be posted.", [problem])


def _earn(request: Earn, book: Book, now: datetime) -> Posting:
    points = request.points
    _at_least_one(points)
    repaid = min(points, book.debt)
    kept = points - repaid
    legs = (Leg("member", "issuance", kept), Leg("debt", "issuance", repaid))
    expires_at = request.expires_at or UNDATED
    move = Move(expires_at, request.source, kept, 0, request.available_at or AT_ONCE)
    return settle(request.kind, points, book, now, legs, (move,))


def _pay(book: Book, points: int, now: datetime) -> list[tuple[Lot, int]]:
    _at_least_one(points)
    there = available(book.lots.values(), book.debt, now)
    if there < points:
        raise NotEnoughPoints(points, there)
    return draw(soonest_first(book, now), points)


def _burn(request: Burn, book: Book, now: datetime) -> Posting:
    moves = moved(_pay(book, request.points, now))
    legs = (Leg("member", "redemption", -request.points),)
    return settle("burn", request.points, book, now, legs, moves)


def _reserve(request: Reserve, book: Book, now: datetime) -> Posting:
    drawn = _pay(book, request.points, now)
    allocation = tuple((lot.key, n) for lot, n in drawn)
    hold = Hold(request.hold_id, request.points, "open", request.expires_at, allocation)
    moves = [Move(lot.expires_at, lot.source, 0, n, lot.available_at) for lot, n in drawn]
    legs = (Leg("member", "none", 0, hold.amount),)
    return settle("hold", hold.amount, book, now, legs, moves, hold)


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
    for key, part in hold.allocation:
        spent = min(left, part)
        left -= spent
        moves.append(Move(key.expires_at, key.source, -spent, -part, key.available_at))
    legs = (Leg("member", "redemption", -points, -hold.amount),)
    return settle("confirm", points, book, now, legs, moves, hold._replace(status="confirmed"))


def _release(book: Book, now: datetime) -> Posting:
    hold = _open_hold(book)
    moves = [
        Move(key.expires_at, key.source, 0, -part, key.available_at)
        for key, part in hold.allocation
    ]
    settled = hold._replace(status="expired" if hold.expires_at <= now else "released")
    legs = (Leg("member", "none", 0, -hold.amount),)
    return settle("release", hold.amount, book, now, legs, moves, settled)


def _expire(request: Expire, book: Book, now: datetime) -> Posting:
    if request.before > now:
        problem = {"field": "before", "code": "in_future", "message": "must not be in the future"}
        raise Invalid("Points cannot lapse before their time.", [problem])
    lots = [book.lots[key] for key in sorted(book.lots)]
    undated = [lot for lot in lots if lot.expires_at == UNDATED and lot.live(now)]
    gone = [(lot, lot.free) for lot in lapsed(lots, request.before)]
    moves = moved([*gone, *draw(undated, request.undated or 0)])
    points = -sum(move.amount for move in moves)
    _at_least_one(points)
    # What is owed kept that many points from being spent: they pay for it, and are not lost beside
    # it (rule 1).
    repaid = min(points, book.debt)
    legs = (
        Leg("member", "breakage", repaid - points),
        Leg("member", "issuance", -repaid),
        Leg("debt", "issuance", repaid),
    )
    return settle("expire", points, book, now, legs, moves)


def _prolong(request: Prolong, book: Book, now: datetime) -> Posting:
    """Out of the lots that would lapse and into later ones; what is held stays with its hold."""
    _at_least_one(request.points)
    if request.until <= max(request.expires_at, now):
        problem = {"field": "until", "code": "too_early", "message": "must be later"}
        raise Invalid("Points can only be given more time.", [problem])
    lots = [book.lots[key] for key in sorted(book.lots) if key.expires_at == request.expires_at]
    drawn = draw(lots, request.points)
    points = sum(n for _, n in drawn)
    if points < request.points:
        raise NotEnoughPoints(request.points, points)
    moves = []
    for lot, n in drawn:
        moves.append(Move(lot.expires_at, lot.source, -n, 0, lot.available_at))
        moves.append(Move(request.until, lot.source, n, 0, lot.available_at))
    legs = (Leg("member", "breakage", -points), Leg("member", "breakage", points))
    return settle("prolong", points, book, now, legs, moves)


def transfer(request: Transfer, book: Book, other: Book, now: datetime) -> Posting:
    """Hand points from one member's book to another's; both sides are one posting.

    In a merger what is owed is taken at once from what the receiver can spend, soonest first: who
    kept both would lose those points and owe them still (rules 1 and 18). The rest stays owed.
    """
    if request.to_member_id == request.member_id:
        problem = {"field": "to_member_id", "code": "same", "message": "must be another member"}
        raise Invalid("Points cannot be handed to oneself.", [problem])
    points, owed = request.points, 0
    if request.everything:
        points, owed, drawn = book.balance, book.debt, _all_of(book)
    else:
        drawn = _pay(book, points, now)
    out = (Leg("member", "transfer", -points), Leg("debt", "transfer", owed))
    into = [Leg("member", "transfer", points), Leg("debt", "transfer", -owed)]
    moves = [Move(lot.expires_at, lot.source, n, 0, lot.available_at) for lot, n in drawn]
    if request.everything:
        received = side(other, into, moves).book
        taken = draw(soonest_first(received, now), received.debt)
        repaid = sum(n for _, n in taken)
        # The member's legs before those of the debt: in this order they are sealed and verified.
        into.insert(1, Leg("member", "issuance", -repaid))
        into.append(Leg("debt", "issuance", repaid))
        moves += moved(taken)
    given = settle(request.kind, points, book, now, out, moved(drawn))
    return given._replace(other=side(other, into, moves))


def _all_of(book: Book) -> list[tuple[Lot, int]]:
    """Every lot, whole: only a book without holds can go over (rule 18)."""
    if book.held:
        raise WrongState(
            f"{book.held} points are held: confirm or release them first.", held=book.held
        )
    return [(book.lots[key], book.lots[key].free) for key in sorted(book.lots)]


def _adjust(request: Adjust, book: Book, now: datetime) -> Posting:
    if request.points > 0:
        earned = Earn(request.member_id, request.points, "adjust", request.expires_at, "adjustment")
        return _earn(earned, book, now)
    points = -request.points
    moves = moved(_pay(book, points, now))
    return settle("adjust", points, book, now, (Leg("member", "issuance", -points),), moves)


def _forfeit(book: Book, now: datetime) -> Posting:
    """All that is not held, pending or lapsed or not; what is owed is forgiven with it."""
    if book.held:
        raise WrongState(
            f"{book.held} points are held: release them before the member leaves.", held=book.held
        )
    # In one order, however the lots were read: the moves are sealed as they are listed.
    moves = moved((book.lots[key], book.lots[key].free) for key in sorted(book.lots))
    points = book.balance
    legs = (Leg("member", "breakage", -points), Leg("debt", "breakage", book.debt))
    return settle("forfeit", points, book, now, legs, moves)
