"""How many points may pay a part of a bill, and why not more.

Whole numbers only: money in minor units, points in steps that are each worth whole minor units.
Source: feature 30 (100 points are 1 yuan, from a bill of 200 yuan on) and feature 28.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loyalty.errors import LoyaltyError, invalid_field
from loyalty.events import Line
from loyalty.ledger import NotEnoughPoints
from loyalty.points import BASIS
from loyalty.programme import Programme

Why = Literal[
    "bill_too_small", "balance", "share_of_bill", "whole_steps", "categories_not_payable", "debt"
]


class BillTooSmall(LoyaltyError):
    """Points may be used from a larger bill on."""

    code = "bill_too_small"

    def __init__(self, bill_minor: int, minimum_minor: int) -> None:
        super().__init__(
            f"Points may be used from a bill of {minimum_minor} minor units on, and this one comes "
            f"to {bill_minor}. Take the whole sum in money.",
            bill_minor=bill_minor,
            minimum_minor=minimum_minor,
            missing_minor=minimum_minor - bill_minor,
        )


class TooManyPoints(LoyaltyError):
    """Only a part of a bill may be paid with points."""

    code = "too_many_points"

    def __init__(self, points: int, most: int) -> None:
        super().__init__(
            f"At most {most} points may be used for this bill, and {points} were asked for. "
            f"Ask for {most} or fewer.",
            points=points,
            most_points=most,
        )


@dataclass(frozen=True, slots=True)
class Usable:
    """What may be used: none, or `least` and more in steps, up to `most`; and what bounds it."""

    bill_minor: int
    least_points: int
    step_points: int
    most_points: int
    most_minor: int
    reasons: tuple[Why, ...]


def worth(programme: Programme, points: int) -> int:
    """What points pay, in minor units."""
    return points * programme.earning.cash_minor // programme.earning.cash_points


def payable(programme: Programme, lines: Sequence[Line]) -> int:
    """What of a bill may be paid with points: gift cards and the like are paid in money."""
    excluded = programme.burning.excluded_categories
    return sum(line.net_minor for line in lines if line.category not in excluded)


def most_for(programme: Programme, bill_minor: int) -> int:
    """The most points for a bill, whoever pays it, in whole steps."""
    burning, earning = programme.burning, programme.earning
    share = bill_minor * burning.maximum_share_bp // BASIS
    points = share * earning.cash_points // earning.cash_minor
    return points - points % burning.step_points


def usable(programme: Programme, lines: Sequence[Line], available: int, debt: int = 0) -> Usable:
    """How many points a member with so many may use for this bill, and every reason for no more."""
    burning, bill = programme.burning, payable(programme, lines)
    reasons: list[Why] = []
    if bill < sum(line.net_minor for line in lines):
        reasons.append("categories_not_payable")
    most = 0
    if bill < burning.minimum_bill_minor:
        reasons.append("bill_too_small")
    else:
        highest = most_for(programme, bill)
        most = min(highest, available - available % burning.step_points)
        if available >= highest:
            reasons.append("share_of_bill")
        else:
            reasons.append("balance")
            if most < available:
                reasons.append("whole_steps")
            if debt:
                reasons.append("debt")
    return Usable(
        bill_minor=bill,
        least_points=burning.step_points if most else 0,
        step_points=burning.step_points,
        most_points=most,
        most_minor=worth(programme, most),
        reasons=tuple(reasons),
    )


def check(
    programme: Programme, bill_minor: int, points: int, available: int, field: str = "points"
) -> None:
    """Refuse points that may not be used, and say what may; `field` is what asked for them."""
    burning = programme.burning
    if bill_minor < burning.minimum_bill_minor:
        raise BillTooSmall(bill_minor, burning.minimum_bill_minor)
    if points > (most := most_for(programme, bill_minor)):
        raise TooManyPoints(points, most)
    if points % burning.step_points:
        below = points - points % burning.step_points
        raise invalid_field(
            field,
            "whole_steps",
            f"must be a multiple of {burning.step_points}, such as {below or burning.step_points}",
        )
    if points > available:
        raise NotEnoughPoints(points, available)
