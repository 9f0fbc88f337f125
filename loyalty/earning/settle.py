"""The arithmetic of a receipt, and nothing else: what is earned and what is kept use the same.

floor(sum over lines of base x rate x stacked bonuses) once per receipt, shared over the lines by
largest remainder, then flat points; all within the caps (rules 9, 10, 22). Exact whole numbers and
fractions only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from loyalty.earning.breakdown import Reason, Room
from loyalty.earning.rooms import Counter, Rooms
from loyalty.earning.rule_set import Stacking
from loyalty.points import BASIS


@dataclass(frozen=True, slots=True)
class Terms:
    """What a version says about every receipt: the base, how bonuses stack, the highest stack."""

    minor: int
    points: int
    steps: tuple[tuple[int, int], ...]
    beyond: str | None
    stacking: Stacking
    maximum_bp: int

    def base(self, minor: int) -> tuple[int, int]:
        """Points, and the money they are for; of a table of steps, for this receipt as a whole."""
        if not self.steps:
            return self.points, self.minor
        points, left = 0, minor
        for step, worth in reversed(self.steps):
            if left >= step:
                if self.beyond == "flat":
                    return worth, minor
                points += left // step * worth
                left %= step
        return points, max(minor, 1)


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
    bonuses = [r for r in judged if r.applied and r.kind in ("bonus", "card")]
    points, minor = terms.base(sum(minors) if terms.steps else 0)
    weights = [net * rate * points for net, rate in zip(minors, rates, strict=True)]
    multiplier, stack_cut = _receipt_multiplier(terms, weights, bonuses)
    rooms: Rooms | None = None
    if caps or any(reason.caps for reason in judged):
        rooms = Rooms(caps, judged)
        exact, divisor = _climb(terms, weights, minor * BASIS, bonuses, rooms)
    else:
        exact, divisor = _stacked(terms, weights, minor * BASIS, bonuses)
    shares = share_out(exact, divisor)
    flat = 0
    for reason in judged:
        if reason.applied and reason.kind == "points":
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
    """Thresholds and exclusive groups, tested on these lines."""
    judged = []
    taken: set[str] = set()
    for reason in reasons:
        if reason.fits:
            code = _why_not(reason, minors, present, taken)
            if code is not None:
                reason = replace(reason, applied=False, reason=code)
            elif not reason.applied:
                reason = replace(reason, applied=True, reason="applies")
            if reason.applied and reason.group is not None:
                taken.add(reason.group)
        judged.append(reason)
    return judged


def _why_not(
    reason: Reason, minors: Sequence[int], present: Sequence[bool], taken: set[str]
) -> str | None:
    lines = reason.lines
    if not (any(present) if lines is None else _any(present, lines)):
        return "nothing_left"
    if reason.from_minor is not None:
        reached = sum(minors) if lines is None else sum(minors[n - 1] for n in lines)
        if reached < reason.from_minor:
            return "below_threshold"
    return "exclusive_group" if reason.group in taken else None


def _any(present: Sequence[bool], lines: Sequence[int]) -> bool:
    return any(present[n - 1] for n in lines)


def _stack(stacking: Stacking, bonuses: Sequence[int], total: int) -> int:
    """Bonuses on one line, times BASIS to the power of `total` if they multiply, else of one."""
    if stacking == "multiplicative":
        product = 1
        for bp in bonuses:
            product *= BASIS + bp
        return product * int(BASIS ** (total - len(bonuses)))
    return BASIS + (sum(bonuses) if stacking == "additive" else max(bonuses, default=0))


def _scale(terms: Terms, bonuses: Sequence[Reason]) -> tuple[int, int]:
    if terms.stacking != "multiplicative":
        return BASIS, terms.maximum_bp
    scale = int(BASIS ** len(bonuses))
    return scale, scale * terms.maximum_bp // BASIS


def _receipt_multiplier(
    terms: Terms, weights: Sequence[int], bonuses: Sequence[Reason]
) -> tuple[int, bool]:
    """For the reader: what bonuses on the whole receipt come to, and whether a limit cut a stack:
    theirs, or that of a line that earns. Bonuses that meet on no line do not stack.

    In whole basis points, rounded down; the points are computed from the exact figure.
    """
    if not bonuses:
        return BASIS, False
    scale, highest = _scale(terms, bonuses)
    total = len(bonuses)
    wide = _stack(terms.stacking, [r.bp for r in bonuses if r.lines is None], total)
    cut = wide > highest
    if not cut and _stack(terms.stacking, [r.bp for r in bonuses], total) > highest:
        cut = any(
            weight and _stack(terms.stacking, _on_line(number, bonuses), total) > highest
            for number, weight in enumerate(weights, 1)
        )
    return min(wide, highest) * BASIS // scale, cut


def _on_line(number: int, bonuses: Sequence[Reason]) -> list[int]:
    """The bonuses that meet on a line, in basis points."""
    return [r.bp for r in bonuses if r.lines is None or number in r.lines]


def _stacked(
    terms: Terms, weights: Sequence[int], divisor: int, bonuses: Sequence[Reason]
) -> tuple[list[int], int]:
    """Each line's exact points under these bonuses, over one divisor."""
    if not bonuses:
        return list(weights), divisor
    scale, highest = _scale(terms, bonuses)
    total = len(bonuses)
    wide = [r.bp for r in bonuses if r.lines is None]
    if len(wide) == total:
        one = min(_stack(terms.stacking, wide, total), highest)
        return [weight * one for weight in weights], divisor * scale
    exact = []
    for number, weight in enumerate(weights, 1):
        one = _stack(terms.stacking, _on_line(number, bonuses), total)
        exact.append(weight * min(one, highest))
    return exact, divisor * scale


def _climb(
    terms: Terms, weights: Sequence[int], divisor: int, bonuses: Sequence[Reason], rooms: Rooms
) -> tuple[list[int], int]:
    """The same where caps bound it: what each capped rule adds to those before it, cut to its room.

    Rules without caps of their own come together first, then the capped ones in their order.
    """
    free = [reason for reason in bonuses if not reason.caps]
    lines = [Fraction(0)] * len(weights)
    ladder = list(lines)
    for rung in [None, *(reason for reason in bonuses if reason.caps)]:
        free = [*free, rung] if rung else free
        exact, under = _stacked(terms, weights, divisor, free)
        full = [Fraction(value, under) for value in exact]
        more = [new - old for new, old in zip(full, ladder, strict=True)]
        ladder = full
        reached, added = sum(lines, Fraction(0)), sum(more, Fraction(0))
        wished = int(reached + added) - int(reached)
        granted = rooms.grant(wished, rung)
        # A cut lands on whole points, so that rounding once still gives exactly what was granted.
        part = Fraction(1) if granted == wished else granted / added
        lines = [line + each * part for line, each in zip(lines, more, strict=True)]
    over = lcm(*(line.denominator for line in lines))
    return [int(line * over) for line in lines], over
