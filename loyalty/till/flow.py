"""Paying with points: hold them for the bill, then spend them on it, or give them back.

A hold takes the points out of reach for a few minutes, so that nobody spends them twice while the
member pays the rest. It ends once: confirmed, released, or void from its deadline on.
Source: features 30, 43, 44; rules 6, 7, 21.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from loyalty.errors import KeyReused, Unknown, WrongState, invalid_field
from loyalty.events import Body, body_hash
from loyalty.held_points import let_go
from loyalty.intake import require_currency
from loyalty.ledger import NotEnoughPoints
from loyalty.members import needs_active
from loyalty.ports import Transaction, Wants
from loyalty.till.hold import TillHold, hold_answer
from loyalty.till.limits import BillTooSmall, check, payable, usable, worth
from loyalty.till.presented import member_at
from loyalty.till.requests import HoldConfirm, HoldRelease, HoldRequest


def place_wants(tx: Transaction, request: HoldRequest) -> Wants:
    """What placing a hold will look at, told from a look beforehand; raises as `place` does."""
    return Wants(members=(_holder(tx, request),), keys=(request.hold_id,))


def hold_wants(tx: Transaction, hold_id: str) -> Wants:
    """What confirming, releasing or returning a hold will look at; nothing where there is none."""
    found = tx.till.get(hold_id)
    if found is None:
        return Wants()
    return Wants(members=(found.member_id,), keys=(found.id, found.burn_key))


def place(tx: Transaction, request: HoldRequest) -> dict[str, Any]:
    """Set points aside for a bill, once for each id; the same again gets the first answer again.

    Raises BillTooSmall, TooManyPoints, NotEnoughPoints; KeyReused for another body.
    """
    member = tx.members.lock(_holder(tx, request))
    hash_ = body_hash(request)
    if (known := tx.till.get(request.hold_id)) is not None:
        if known.body_hash != hash_:
            raise KeyReused("hold", f"{request.source}/{request.id}")
        return _first_answer(known)
    needs_active(member)
    require_currency(tx, request.currency)
    bill = payable(tx.programme, request.lines)
    points = _wished(tx, member.id, request, bill)
    deadline = tx.now + timedelta(minutes=tx.programme.burning.hold_minutes)
    tx.ledger.hold(request.hold_id, member.id, points, expires_at=deadline)
    hold = TillHold(
        id=request.hold_id,
        source=request.source,
        member_id=member.id,
        body_hash=hash_,
        points=points,
        worth_minor=worth(tx.programme, points),
        bill_minor=bill,
        status="open",
        placed_at=tx.now,
        expires_at=deadline,
    )
    tx.till.add(hold)
    return hold_answer(hold, "open", replayed=False)


def confirm(tx: Transaction, hold_id: str, wanted: HoldConfirm) -> dict[str, Any]:
    """The bill is paid: the points are spent on that purchase. The same again changes nothing.

    Fewer points may be confirmed when the bill shrank; the others are free again at once.
    """
    hold = locked_hold(tx, hold_id)
    bill = hold.bill_minor if wanted.bill_minor is None else wanted.bill_minor
    points = hold.points if wanted.points is None else wanted.points
    source = wanted.purchase_source or hold.source
    said = {"bill_minor": bill, "points": points, "purchase_source": source}
    hash_ = _hash("confirm", wanted.model_copy(update=said))
    if hold.status == "confirmed":
        if hold.settled_hash != hash_:
            raise KeyReused("confirmation of hold", hold.id)
        return hold_answer(hold, "confirmed", replayed=True)
    _still_open(tx, hold)
    check(tx.programme, bill, points, hold.points)
    paid = worth(tx.programme, points)
    _fits_purchase(tx, hold, source, wanted.purchase_id, paid)
    tx.ledger.confirm(hold.id, hold.burn_key, points)
    hold = replace(
        hold,
        status="confirmed",
        bill_minor=bill,
        confirmed_points=points,
        confirmed_minor=paid,
        purchase_source=source,
        purchase_id=wanted.purchase_id,
        settled_at=tx.now,
        settled_hash=hash_,
    )
    tx.till.save(hold)
    return hold_answer(hold, "confirmed", replayed=False)


def release(tx: Transaction, hold_id: str, wanted: HoldRelease) -> dict[str, Any]:
    """The sale came to nothing: the points are free again. Releasing again changes nothing."""
    hold = locked_hold(tx, hold_id)
    if hold.status == "confirmed":
        raise WrongState(
            f"Hold {hold.id!r} is confirmed and its points are spent. Record the refund of the "
            "purchase, or return the points of a purchase that is not recorded here.",
            hold_id=hold.id,
            status=hold.status,
        )
    if hold.status != "open":
        return hold_answer(hold, hold.status, replayed=True)
    in_time = hold.status_at(tx.now) == "open"
    let_go(tx, hold.id, wanted.fault if in_time else "member", wanted.reason)
    hold = replace(
        hold,
        status="released" if in_time else "expired",
        settled_at=tx.now,
        settled_hash=_hash("release", wanted),
    )
    tx.till.save(hold)
    return hold_answer(hold, hold.status, replayed=False)


def locked_hold(tx: Transaction, hold_id: str) -> TillHold:
    """The hold, with its member locked first."""
    found = tx.till.get(hold_id)
    if found is None:
        raise Unknown("hold", hold_id)
    tx.members.lock(found.member_id)
    return tx.till.get(hold_id) or found


def _holder(tx: Transaction, request: HoldRequest) -> str:
    """The member of a hold that was placed before, whoever has that card by now."""
    known = tx.till.get(request.hold_id)
    return member_at(tx, request) if known is None else known.member_id


def _wished(tx: Transaction, member_id: str, request: HoldRequest, bill: int) -> int:
    balance = tx.ledger.balance(member_id)
    if request.points is not None:
        check(tx.programme, bill, request.points, balance.available)
        return request.points
    most = usable(tx.programme, request.lines, balance.available, balance.debt).most_points
    burning = tx.programme.burning
    if bill < burning.minimum_bill_minor:
        raise BillTooSmall(bill, burning.minimum_bill_minor)
    if not most:
        raise NotEnoughPoints(burning.step_points, balance.available)
    return most


def _first_answer(hold: TillHold) -> dict[str, Any]:
    """As it was placed, whatever became of it since."""
    first = replace(
        hold,
        confirmed_points=0,
        confirmed_minor=0,
        purchase_source=None,
        purchase_id=None,
        returned_points=0,
    )
    return hold_answer(first, "open", replayed=True)


def _still_open(tx: Transaction, hold: TillHold) -> None:
    status = hold.status_at(tx.now)
    if status == "open":
        return
    over = f"ran out at {hold.expires_at.isoformat()}" if status == "expired" else "was released"
    raise WrongState(
        f"Hold {hold.id!r} {over}; its points are free again. Place a new hold with a new id.",
        hold_id=hold.id,
        status=status,
        expires_at=hold.expires_at.isoformat(),
    )


def _fits_purchase(tx: Transaction, hold: TillHold, source: str, id: str, paid: int) -> None:
    other = tx.till.of_purchase(source, id)
    if other is not None:
        raise WrongState(
            f"Purchase {id!r} is paid with the points of hold {other.id!r} already. "
            "Release this hold.",
            hold_id=hold.id,
            other_hold_id=other.id,
        )
    row = tx.inbox.find(source, id)
    if row is None:
        return  # as a rule it is recorded after it was paid
    if row.type != "purchase" or row.member_id != hold.member_id:
        raise invalid_field("purchase_id", "other_member", "is not a purchase of this member")
    if row.refunded_minor:
        raise WrongState(
            f"Goods of purchase {id!r} came back already. Release this hold.", hold_id=hold.id
        )
    said = int(row.body.get("paid_with_points_minor", 0))
    if said < paid:
        raise invalid_field(
            "points",
            "purchase_says_less",
            f"pay {paid} minor units, and the purchase was recorded with paid_with_points_minor "
            f"{said}: that part has earned points. Release this hold",
        )


def _hash(act: str, body: Body) -> str:
    return f"{act}:{body_hash(body)}"
