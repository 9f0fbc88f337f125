"""How bonuses come together on a receipt: added, multiplied or only the best, never above the
maximum, and within their caps (rules 10, 22). Exact whole numbers and fractions only.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm

from loyalty.earning.breakdown import Reason
from loyalty.earning.rooms import Rooms
from loyalty.earning.rule_set import Stacking
from loyalty.earning.terms import Terms
from loyalty.points import BASIS

BONUSES = ("bonus", "card")
"""Kinds of rules that multiply what a receipt earns."""


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


def receipt_multiplier(
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


def stacked(
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


def climb(
    terms: Terms, weights: Sequence[int], divisor: int, bonuses: Sequence[Reason], rooms: Rooms
) -> tuple[list[int], int]:
    """The same where caps bound it: what each capped rule adds to those before it, cut to its room.

    Rules without caps of their own come together first, then the capped ones in their order. One
    that had no room from the start only wishes: it stands in nobody's way.
    """
    free = [reason for reason in bonuses if not reason.caps]
    lines = [Fraction(0)] * len(weights)
    ladder = list(lines)
    for rung in [None, *(reason for reason in bonuses if reason.caps)]:
        joined = [*free, rung] if rung else free
        exact, under = stacked(terms, weights, divisor, joined)
        full = [Fraction(value, under) for value in exact]
        more = [new - old for new, old in zip(full, ladder, strict=True)]
        reached, added = sum(lines, Fraction(0)), sum(more, Fraction(0))
        wished = int(reached + added) - int(reached)
        granted = rooms.grant(wished, rung)
        if rung is not None and not rung.applied:
            continue
        free, ladder = joined, full
        # A cut lands on whole points, so that rounding once still gives exactly what was granted.
        part = Fraction(1) if granted == wished else granted / added
        lines = [line + each * part for line, each in zip(lines, more, strict=True)]
    over = lcm(*(line.denominator for line in lines))
    return [int(line * over) for line in lines], over


def only_best(weights: Sequence[int], reasons: Sequence[Reason]) -> list[Reason]:
    """Where only the best bonus counts: those that are the best on no line that earns lose.

    Rules with caps come after those without, in their order: they add to what is there.
    """
    best = [0] * len(weights)
    bonuses = [reason for reason in reasons if reason.applied and reason.kind in BONUSES]
    lost = set()
    for reason in sorted(bonuses, key=lambda r: (1, 0) if r.caps else (0, -r.bp)):
        on = [
            number
            for number, weight in enumerate(weights)
            if weight and (reason.lines is None or number + 1 in reason.lines)
        ]
        if on and all(best[number] >= reason.bp for number in on):
            lost.add(id(reason))
        for number in on:
            best[number] = max(best[number], reason.bp)
    if not lost:
        return list(reasons)
    return [
        replace(reason, applied=False, reason="better_bonus_applies") if id(reason) in lost
        else reason
        for reason in reasons
    ]  # fmt: skip
