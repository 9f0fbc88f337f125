"""Points and money: whole numbers only, rounded down once, in one place."""

from collections.abc import Sequence
from typing import NewType

Points = NewType("Points", int)

BASIS = 10_000
"""Basis points in one: every rate and multiplier is a whole number of these."""


def split_whole(total: int, weights: Sequence[int]) -> list[int]:
    """Share a whole number over lines so that the parts sum to it: largest remainder, first wins.

    Source: rule 9 (floor once per receipt, then largest remainder to lines).
    """
    weight = sum(weights)
    if weight == 0:
        return [total if i == 0 else 0 for i in range(len(weights))]
    shares = [total * w // weight for w in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % weight))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares
