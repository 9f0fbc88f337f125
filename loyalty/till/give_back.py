"""Goods that were partly paid with points come back: so do the points, and less money.

What comes back takes its share of the points with it, rounded down on all that came back so far, so
that any sequence of returns sums to the whole: of a recorded purchase what points paid of the very
lines, of any other its part of the bill. They go to the lots they came from, with the same expiry
(rule 3). A lot that lapsed meanwhile is over, unless the shop is at fault:
then its points live on for a while (rule 7). Of who was erased they are given up as they come, and
money pays nothing in their place: points never become money (rule 19).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from loyalty.erasure import give_up
from loyalty.errors import KeyReused, WrongState, invalid_field
from loyalty.event_keys import event_key, key_after
from loyalty.events import body_hash
from loyalty.ledger import Posted
from loyalty.merging import carry_over
from loyalty.offers import Fault
from loyalty.ports import Transaction
from loyalty.till.flow import locked_hold
from loyalty.till.hold import TillHold, TillReturn
from loyalty.till.requests import HoldReturn


@dataclass(frozen=True, slots=True)
class CameBack:
    """Of `whole_minor` that points pay a share of, how much had come back before and has by now."""

    whole_minor: int
    before_minor: int
    after_minor: int

    def shares(self, total: int) -> tuple[int, int]:
        """Of so many points, or of what they paid: before and by now, each rounded down."""
        return (
            total * self.before_minor // self.whole_minor,
            total * self.after_minor // self.whole_minor,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """What came back: `amount_minor` of the bill, of which points had paid `points_minor`.

    `points` go to their lots with it, of which `lapsed` are of no use any more.
    """

    amount_minor: int
    points_minor: int
    points: int = 0
    lapsed: int = 0

    @property
    def cash_minor(self) -> int:
        """What the member gets in money; the whole would pay the points' share twice."""
        return self.amount_minor - self.points_minor


def return_points(tx: Transaction, hold_id: str, wanted: HoldReturn) -> dict[str, Any]:
    """Give a confirmed hold's points back, all that is left or the share of what came back.

    For purchases that are not recorded here: a recorded one gives them back with its refund.
    """
    hold, hash_ = locked_hold(tx, hold_id), body_hash(wanted)
    key = event_key("till-return", wanted.source, wanted.id)
    if (known := tx.till.returned(key)) is not None:
        if known.body_hash != hash_ or known.hold_id != hold.id:
            raise KeyReused("return", f"{wanted.source}/{wanted.id}")
        return {**known.answer, "replayed": True}
    _may_return(tx, hold)
    left = hold.bill_minor - hold.came_back_minor
    amount = left if wanted.amount_minor is None else wanted.amount_minor
    if not 0 < amount <= left:
        raise invalid_field("amount_minor", "too_much", f"only {left} are left of the bill")
    before, after = hold.came_back_minor, hold.came_back_minor + amount
    part = CameBack(hold.bill_minor, before, after)
    paid_before, paid = part.shares(hold.confirmed_minor)
    back = _give(tx, key, hold, Share(amount, paid - paid_before), part, wanted.fault)
    owner = tx.members.lock(hold.member_id)
    if owner.status == "erased":
        give_up(tx, key_after("erased", key), owner.id)
        back = replace(back, lapsed=back.points)
    answer = {
        "hold_id": hold.id,
        "amount_minor": amount,
        "cash_minor": back.cash_minor,
        "points_returned": back.points,
        "points_lapsed": back.lapsed,
        "transaction": key if back.points else None,
    }
    tx.till.add_return(TillReturn(key, hold.id, hash_, answer))
    return {**answer, "replayed": False}


def refunded(
    tx: Transaction,
    key: str,
    purchase: tuple[str, str],
    amount_minor: int,
    part: CameBack,
    fault: Fault,
) -> Share:
    """Lines of a recorded purchase came back: `part` is of what points paid of its lines.

    Whatever else paid it in their place, such as a bonus balance, is not paid out in money either.
    """
    share = Share(amount_minor, part.after_minor - part.before_minor)
    hold = tx.till.of_purchase(*purchase)
    if hold is None or not part.whole_minor:
        return share
    return _give(tx, key, hold, share, part, fault)


def _give(
    tx: Transaction, key: str, hold: TillHold, share: Share, part: CameBack, fault: Fault
) -> Share:
    # What was given back by hand before its purchase was recorded stays so: of what points paid
    # the purchase names the rest alone, and never are points below zero given back.
    points = max(0, part.shares(hold.confirmed_points)[1] - hold.returned_points)
    posted = _reverse(tx, key, hold, points, fault) if points else None
    tx.till.save(
        replace(
            hold,
            came_back_minor=part.shares(hold.bill_minor)[1],
            returned_points=hold.returned_points + points,
        )
    )
    return replace(share, points=points, lapsed=posted.lapsed if posted else 0)


def _reverse(tx: Transaction, key: str, hold: TillHold, points: int, fault: Fault) -> Posted:
    grace = timedelta(days=tx.programme.burning.grace_days)
    posted = tx.ledger.reverse(
        key,
        hold.burn_key,
        points,
        reinstate_until=tx.now + grace if fault == "merchant" else None,
        meta={"fault": fault, "hold": hold.id},
    )
    lives_on = tx.members.lock(hold.member_id).id
    if posted.member_id != lives_on:  # merged since: the points go to who lives on
        carry_over(tx, key_after("merged", key), posted.member_id, lives_on)
    return posted


def _may_return(tx: Transaction, hold: TillHold) -> None:
    if hold.status != "confirmed":
        raise WrongState(
            f"Hold {hold.id!r} is {hold.status_at(tx.now)}: none of its points were spent. "
            "Release an open hold instead.",
            hold_id=hold.id,
            status=hold.status_at(tx.now),
        )
    purchase = tx.inbox.find(hold.purchase_source or "", hold.purchase_id or "")
    if purchase is not None:
        raise WrongState(
            f"Purchase {hold.purchase_id!r} is recorded here: record its refund, and the points "
            "come back with it.",
            hold_id=hold.id,
            purchase_id=hold.purchase_id,
        )
    if hold.came_back_minor >= hold.bill_minor:
        raise WrongState(f"All of the bill of hold {hold.id!r} came back already.", hold_id=hold.id)
