"""The arithmetic of a receipt, and nothing else: what is earned and what is kept use the same.

floor(sum over lines of base x rate x stacked bonuses) once per receipt, shared over the lines by
largest remainder, then flat points; all within the caps (rules 9, 10, 22). Exact whole numbers and
fractions only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loyalty.earning.breakdown import Reason, Room
from loyalty.earning.rooms import CAP_REACHED, Counter, Rooms, wishes
from loyalty.earning.stacking import BONUSES, climb, only_best, receipt_multiplier, stacked
from loyalty.earning.terms import Terms
from loyalty.points import BASIS


@dataclass(frozen=True, slots=True)
class Settled:
    """A receipt's points and its rules as they turned out. Figures are as in a `Breakdown`."""

    base_points: int
    base_minor: int
    multiplier_bp: int
    stack_cut: bool
    spend_points: int
    flat_points: int
    exact: tuple[int, int]
    shares: list[int]
    reasons: list[Reason]
    # Points wished and granted by counter, where there are caps.
    counted: dict[Counter, tuple[int, int]]

    @property
    def points(self) -> int:
        return self.spend_points + self.flat_points


def settle(
    terms: Terms,
    minors: Sequence[int],
    rates: Sequence[int],
    present: Sequence[bool],
    reasons: Sequence[Reason],
    caps: Sequence[Room] = (),
) -> Settled:
    """What these lines earn. `minors` count for earning; `present` lines are there at all.

    `reasons` are the rules in their order; those that do not fit are passed through. `caps` bound
    everything that the member earns.
    """
    judged = _hold(reasons, minors, present)
    points, minor = terms.base(sum(minors) if terms.steps else 0)
    weights = [net * rate * points for net, rate in zip(minors, rates, strict=True)]
    if terms.stacking == "best_only":
        judged = only_best(weights, judged)
    bonuses = [r for r in judged if r.applied and r.kind in BONUSES]
    multiplier, stack_cut = receipt_multiplier(terms, weights, bonuses)
    rooms: Rooms | None = None
    if caps or any(reason.caps for reason in judged):
        rooms = Rooms(caps, judged)
        wishing = [r for r in judged if wishes(r) and r.kind in BONUSES]
        exact, divisor = climb(terms, weights, minor * BASIS, wishing, rooms)
    else:
        exact, divisor = stacked(terms, weights, minor * BASIS, bonuses)
    shares = share_out(exact, divisor)
    flat = 0
    for reason in judged:
        if reason.kind == "points" and wishes(reason):
            flat += rooms.grant(reason.points, reason) if rooms else reason.points
    return Settled(
        base_points=points,
        base_minor=minor,
        multiplier_bp=multiplier,
        stack_cut=stack_cut,
        spend_points=sum(shares),
        flat_points=flat,
        exact=(sum(exact), divisor),
        shares=shares,
        reasons=rooms.told(judged) if rooms else judged,
        counted=rooms.counted() if rooms else {},
    )


def share_out(exact: Sequence[int], divisor: int) -> list[int]:
    """Round down once for the receipt; what the lines lack goes where most was cut off.

    A line is never further than one point from its own exact figure, so that each can be checked.
    """
    shares = [value // divisor for value in exact]
    missing = sum(exact) // divisor - sum(shares)
    if missing:
        for i in sorted(range(len(exact)), key=lambda i: -(exact[i] % divisor))[:missing]:
            shares[i] += 1
    return shares


def _hold(
    reasons: Sequence[Reason], minors: Sequence[int], present: Sequence[bool]
) -> list[Reason]:
    """Thresholds, exclusive groups and caps without any room, tested on these lines."""
    judged = []
    taken: dict[str, str] = {}
    for reason in reasons:
        if reason.fits:
            code = _why_not(reason, minors, present, taken)
            if code is not None:
                reason = replace(reason, applied=False, reason=code)
            elif reason.group is not None:
                taken[reason.group] = reason.rule
        judged.append(reason)
    return judged


def _why_not(
    reason: Reason, minors: Sequence[int], present: Sequence[bool], taken: Mapping[str, str]
) -> str | None:
    lines = reason.lines
    if not (any(present) if lines is None else _any(present, lines)):
        return "nothing_left"
    if reason.from_minor is not None:
        reached = sum(minors) if lines is None else sum(minors[n - 1] for n in lines)
        if reached < reason.from_minor:
            return "below_threshold"
    # A rule may come once for each new product, and does not keep itself out.
    if reason.group is not None and taken.get(reason.group, reason.rule) != reason.rule:
        return "exclusive_group"
    # Who can give nothing takes no place: the next of its group has it.
    return CAP_REACHED if any(cap.room <= 0 for cap in reason.caps) else None


def _any(present: Sequence[bool], lines: Sequence[int]) -> bool:
    return any(present[n - 1] for n in lines)
