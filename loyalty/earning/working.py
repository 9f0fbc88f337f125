"""A receipt's arithmetic written down as its working: of what was bought, or of what is kept."""

from collections.abc import Mapping, Sequence

from loyalty.earning.breakdown import Breakdown, Count, LineEarned, Reason, Room
from loyalty.earning.rooms import CAP_REACHED, Counter
from loyalty.earning.settle import Settled
from loyalty.earning.terms import Terms


def working(
    version: str,
    terms: Terms,
    settled: Settled,
    lines: tuple[LineEarned, ...],
    caps: Sequence[Room],
    bought: Mapping[Counter, tuple[int, int]],
) -> Breakdown:
    """With the limits that cut something. `bought` counts besides what caps count."""
    reasons = settled.reasons
    if settled.stack_cut:
        limit = Reason("maximum_multiplier", "cap", True, "maximum_multiplier", terms.maximum_bp)
        reasons = [*reasons, limit]
    for cap in caps:
        wished, granted = settled.counted.get((cap.counter, cap.period), (0, 0))
        if granted < wished:
            reasons = [*reasons, _everything(cap, wished, granted)]
    exact, divisor = settled.exact
    return Breakdown(
        rule_version=version,
        base_minor=settled.base_minor,
        base_points=settled.base_points,
        stacking=terms.stacking,
        maximum_multiplier_bp=terms.maximum_bp,
        multiplier_bp=settled.multiplier_bp,
        points=settled.points,
        spend_points=settled.spend_points,
        flat_points=settled.flat_points,
        exact=hundredths(exact, divisor),
        reasons=tuple(reasons),
        lines=lines,
        steps=terms.steps,
        beyond=terms.beyond,
        caps=tuple(caps),
        counted=tuple(
            Count(counter, period, wished, granted)
            for (counter, period), (wished, granted) in {**settled.counted, **bought}.items()
        ),
    )


def _everything(cap: Room, wished: int, granted: int) -> Reason:
    return Reason(
        rule=f"everything_per_{cap.per}",
        kind="cap",
        applied=True,
        reason=CAP_REACHED,
        wished=wished,
        granted=granted,
    )


def hundredths(value: int, divisor: int) -> str:
    """A figure for the reader, cut after two decimals: nothing is computed from it.

    Never rounded up, since what it stands for is rounded down to points.
    """
    part = 100 * value // divisor
    return f"{part // 100}.{part % 100:02d}"
