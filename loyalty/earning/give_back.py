"""Giving back: what is kept is earned again under the frozen breakdown, and the rest is reversed.

Thresholds, steps, groups and caps are tested again on what is kept, so that any series of returns
sums to the whole (rule 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loyalty.earning.breakdown import Breakdown, LineEarned, Reason
from loyalty.earning.ready import sku_counter
from loyalty.earning.rooms import Counter
from loyalty.earning.settle import Settled, settle
from loyalty.earning.terms import Terms
from loyalty.earning.working import hundredths, working
from loyalty.errors import Invalid
from loyalty.events import RefundLine


def kept_after(kept: Sequence[int], returned: Sequence[RefundLine] | None) -> list[int]:
    """How many of each line the customer still has; `None` returns everything."""
    if returned is None:
        return [0] * len(kept)
    left = list(kept)
    problems = []
    for place, line in enumerate(returned):
        if line.line > len(left) or line.quantity > left[line.line - 1]:
            message = (
                f"only {left[line.line - 1]} left to return"
                if line.line <= len(left)
                else f"the receipt has {len(left)} lines"
            )
            problems.append({"field": f"lines.{place}", "code": "too_many", "message": message})
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


def paid_of(line: LineEarned, still_minor: int) -> int:
    """What points had paid of what came back of a line, of which so much is still kept."""
    if not line.paid_with_points_minor:
        return 0
    return line.paid_with_points_minor * (line.net_minor - still_minor) // line.net_minor


def _earning_minor(breakdown: Breakdown, kept: Sequence[int]) -> list[int]:
    """What of each line's kept part counts for earning, rounded down as its cost is."""
    return [
        line.earning_minor * quantity // line.quantity
        for line, quantity in zip(breakdown.lines, kept, strict=True)
    ]


def keep(breakdown: Breakdown, kept: Sequence[int]) -> Settled:
    """What the kept pieces of each line earn, by the figures frozen in the breakdown."""
    minors = _earning_minor(breakdown, kept)
    present = [
        line.earning_minor > 0 and quantity > 0
        for line, quantity in zip(breakdown.lines, kept, strict=True)
    ]
    rates = [line.rate_bp for line in breakdown.lines]
    reasons = [_unjudged(reason) for reason in breakdown.reasons if reason.kind != "cap"]
    return settle(_terms(breakdown), minors, rates, present, reasons, breakdown.caps)


def _terms(breakdown: Breakdown) -> Terms:
    return Terms(
        minor=breakdown.base_minor,
        points=breakdown.base_points,
        steps=breakdown.steps,
        beyond=breakdown.beyond,
        stacking=breakdown.stacking,
        maximum_bp=breakdown.maximum_multiplier_bp,
    )


def _unjudged(reason: Reason) -> Reason:
    """A rule as before thresholds, groups, caps and better bonuses were looked at."""
    if not reason.fits or (reason.applied and reason.wished is None):
        return reason
    code = "card_valid" if reason.kind == "card" else "applies"
    return replace(reason, applied=True, reason=code, wished=None, granted=None)


def kept_working(breakdown: Breakdown, kept: Sequence[int]) -> Breakdown:
    """The working of what is kept, for the reader; goods come back by that of the purchase."""
    settled = keep(breakdown, kept)
    costs, minors = kept_minor(breakdown, kept), _earning_minor(breakdown, kept)
    lines = tuple(
        replace(
            line,
            quantity=quantity,
            net_minor=net,
            earning_minor=minor,
            base=hundredths(minor * settled.base_points, settled.base_minor),
            points=points,
            paid_with_points_minor=line.paid_with_points_minor - paid_of(line, net),
        )
        for line, quantity, net, minor, points in zip(
            breakdown.lines, kept, costs, minors, settled.shares, strict=True
        )
        if quantity
    )
    version = breakdown.rule_version
    return working(version, _terms(breakdown), settled, lines, breakdown.caps, {})


def refund(breakdown: Breakdown, kept: Sequence[int], already_reversed: int) -> int:
    """Points to take back: earned - earn(what is kept), less what was taken back before."""
    return max(0, breakdown.points - keep(breakdown, kept).points - already_reversed)


@dataclass(frozen=True, slots=True)
class Kept:
    """A purchase's working, and how many pieces of each line were kept before and after."""

    breakdown: Breakdown
    before: Sequence[int]
    after: Sequence[int]


def room_back(kept: Kept) -> dict[Counter, tuple[int, int]]:
    """By counter, how much less is wished and granted after a return than before it."""
    breakdown, before, after = kept.breakdown, kept.before, kept.after
    had, has = keep(breakdown, before).counted, keep(breakdown, after).counted
    none = (0, 0)
    back = {}
    # Also counters that only now come in: a rule whose threshold or group first lets it on less.
    for counter in {**had, **has}:
        (wished, granted), (still, kept_points) = had.get(counter, none), has.get(counter, none)
        back[counter] = (wished - still, granted - kept_points)
    new = {(each.counter, each.period) for each in breakdown.counted}
    for line, old, left in zip(breakdown.lines, before, after, strict=True):
        counter = sku_counter(line.sku)
        if line.net_minor and counter in new:
            pieces = back.get(counter, (0, 0))[0] + old - left
            back[counter] = (pieces, pieces)
    return back
