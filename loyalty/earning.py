"""What a purchase earns, and why: one pure function for posting, preview and simulation.

points = floor(sum over lines of net x category rate, x (1 + sum of bonuses)), rounded once per
receipt and shared over the lines by largest remainder (rules 9 and 10). The breakdown keeps every
figure used, so that a refund is computed by the rules of the day and not by today's (rule 2).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from loyalty.errors import Invalid
from loyalty.events import Purchase, RefundLine
from loyalty.points import BASIS
from loyalty.programme import Earning

# Two rates in basis points are multiplied: the category's and the bonuses'.
_SCALE = BASIS * BASIS

RuleName = Literal["category", "excluded", "weekend", "card", "cap"]


class Card(Protocol):
    """A personal multiplier on spend points, for a time."""

    @property
    def key(self) -> str: ...
    @property
    def multiplier_bp(self) -> int: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


class Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(Figures):
    """A rule that was looked at: whether it applied, by how much, and why.

    `bp` is a rate for `category`, an addition for `weekend` and `card`, a limit for `cap`.
    """

    rule: RuleName
    applied: bool
    reason: str
    bp: int
    ref: str | None = None


class LineEarned(Figures):
    """One line: what it earned and which rules it met. The receipt's bonuses are not repeated."""

    line: int
    sku: str
    category: str
    quantity: int
    net_minor: int
    base: Decimal  # points before category and bonuses, for the reader: nothing is computed from it
    rate_bp: int
    points: int
    reasons: tuple[Reason, ...]


class Breakdown(Figures):
    """A receipt's points with every figure they came from."""

    rule_version: str
    base_minor: int
    base_points: int
    multiplier_bp: int
    points: int
    reasons: tuple[Reason, ...]
    lines: tuple[LineEarned, ...]


def earn(purchase: Purchase, earning: Earning, cards: Sequence[Card], zone: ZoneInfo) -> Breakdown:
    """What this purchase earns under these rules, judged at the moment it happened."""
    reasons = _bonuses(purchase.occurred_at, earning, cards, zone)
    multiplier = BASIS + sum(reason.bp for reason in reasons if reason.applied)
    if multiplier > earning.maximum_multiplier_bp:
        multiplier = earning.maximum_multiplier_bp
        reasons.append(Reason(rule="cap", applied=True, reason="maximum_multiplier", bp=multiplier))
    rates = [_rate(line.category, earning) for line in purchase.lines]
    weights = [line.net_minor * rate.bp for line, rate in zip(purchase.lines, rates, strict=True)]
    exact = [weight * multiplier * earning.base_points for weight in weights]
    shares = _shares(exact, earning.base_minor * _SCALE)
    lines = tuple(
        LineEarned(
            line=number,
            sku=line.sku,
            category=line.category,
            quantity=line.quantity,
            net_minor=line.net_minor,
            base=_base(line.net_minor, earning),
            rate_bp=rate.bp,
            points=points,
            reasons=(rate,),
        )
        for number, (line, rate, points) in enumerate(
            zip(purchase.lines, rates, shares, strict=True), start=1
        )
    )
    return Breakdown(
        rule_version=earning.version,
        base_minor=earning.base_minor,
        base_points=earning.base_points,
        multiplier_bp=multiplier,
        points=sum(shares),
        reasons=tuple(reasons),
        lines=lines,
    )


def _shares(exact: Sequence[int], divisor: int) -> list[int]:
    """Round down once for the receipt; what the lines lack goes where most was cut off.

    A line is never further than one point from its own exact figure, so that each can be checked.
    """
    shares = [value // divisor for value in exact]
    missing = sum(exact) // divisor - sum(shares)
    for i in sorted(range(len(exact)), key=lambda i: -(exact[i] % divisor))[:missing]:
        shares[i] += 1
    return shares


def _base(net_minor: int, earning: Earning) -> Decimal:
    exact = Decimal(net_minor * earning.base_points) / Decimal(earning.base_minor)
    return exact.quantize(Decimal("0.01"))


def _rate(category: str, earning: Earning) -> Reason:
    if category in earning.excluded_categories:
        return Reason(rule="excluded", applied=True, reason="excluded_category", bp=0)
    if (rate := earning.category_rates_bp.get(category)) is not None:
        return Reason(rule="category", applied=True, reason="category_rate", bp=rate)
    return Reason(rule="category", applied=False, reason="no_rate_for_category", bp=BASIS)


def _bonuses(at: datetime, earning: Earning, cards: Sequence[Card], zone: ZoneInfo) -> list[Reason]:
    """Weekend by the wall clock of the programme; of several cards only the best counts."""
    weekend = at.astimezone(zone).isoweekday() >= 6
    reasons = [
        Reason(
            rule="weekend",
            applied=weekend and earning.weekend_bonus_bp > 0,
            reason="weekend" if weekend else "weekday",
            bp=earning.weekend_bonus_bp,
        )
    ]
    ranked = sorted(cards, key=lambda card: (-card.multiplier_bp, card.key))
    best = next((card for card in ranked if card.starts_at <= at < card.ends_at), None)
    for card in ranked:
        reasons.append(
            Reason(
                rule="card",
                applied=card is best and card.multiplier_bp > BASIS,
                reason=_card_reason(card, best, at),
                bp=max(0, card.multiplier_bp - BASIS),
                ref=card.key,
            )
        )
    return reasons


def _card_reason(card: Card, best: Card | None, at: datetime) -> str:
    if at < card.starts_at:
        return "card_not_started"
    if at >= card.ends_at:
        return "card_ended"
    return "card_valid" if card is best else "better_card_applies"


# --- giving back -------------------------------------------------------------------------------


def kept_after(kept: Sequence[int], returned: Sequence[RefundLine] | None) -> list[int]:
    """How many of each line the customer still has; `None` returns everything."""
    if returned is None:
        return [0] * len(kept)
    left = list(kept)
    problems = []
    for line in returned:
        if line.line > len(left) or line.quantity > left[line.line - 1]:
            there = left[line.line - 1] if line.line <= len(left) else 0
            message = f"only {there} left to return"
            problems.append({"field": f"lines.{line.line}", "code": "too_many", "message": message})
        else:
            left[line.line - 1] -= line.quantity
    if problems:
        raise Invalid("More would come back than was bought.", problems)
    return left


def kept_minor(breakdown: Breakdown, kept: Sequence[int]) -> list[int]:
    """What the kept part of each line cost; a part of a line is rounded down."""
    return [
        line.net_minor * quantity // line.quantity
        for line, quantity in zip(breakdown.lines, kept, strict=True)
    ]


def refund(breakdown: Breakdown, kept: Sequence[int], already_reversed: int) -> int:
    """Points to take back, so that any series of returns sums to the whole (rule 2).

    earned - earn(what is kept), by the figures frozen in the breakdown, less what was taken back
    before.
    """
    weight = sum(
        net * line.rate_bp
        for net, line in zip(kept_minor(breakdown, kept), breakdown.lines, strict=True)
    )
    exact = weight * breakdown.multiplier_bp * breakdown.base_points
    still = exact // (breakdown.base_minor * _SCALE)
    return max(0, breakdown.points - still - already_reversed)
