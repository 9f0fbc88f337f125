"""Exact figures of many measured values."""

from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Of all values, the smallest that so many percent are not above; 0 of none."""
    ordered = sorted(values)
    place = max(0, -int(-len(ordered) * percent // 100) - 1)
    return ordered[place] if ordered else 0.0
