"""What points paid of each line of a receipt, and what of it came back with the goods.

Points are laid on the lines that they may pay for, by what those cost; only what exceeds them all
falls on the others. A gift card bought along is then paid in money, as it has to be, and returning
the goods beside it turns no points into money (rules 3, 11).
"""

from collections.abc import Collection, Sequence

from loyalty.earning.breakdown import Breakdown
from loyalty.earning.give_back import kept_minor, paid_of
from loyalty.events import Line
from loyalty.points import split_whole


def paid_by_line(
    paid_minor: int, lines: Sequence[Line], unpayable: Collection[str] = ()
) -> list[int]:
    """How much of each line points paid, in minor units; never more than the line cost."""
    if not paid_minor:
        return [0] * len(lines)
    first = [0 if line.category in unpayable else line.net_minor for line in lines]
    over = max(0, paid_minor - sum(first))
    shares = split_whole(paid_minor - over, first)
    if not over:
        return shares
    rest = [line.net_minor - there for line, there in zip(lines, first, strict=True)]
    more = split_whole(over, rest)
    return [share + some for share, some in zip(shares, more, strict=True)]


def paid_back(breakdown: Breakdown, kept: Sequence[int]) -> int:
    """What points had paid of all that is no longer kept, in minor units.

    A part of a line is rounded down on all that came back of it, so that parts sum to the whole
    and no part gives more back than it cost.
    """
    left = kept_minor(breakdown, kept)
    return sum(paid_of(line, still) for line, still in zip(breakdown.lines, left, strict=True))
