"""What a version of the earning rules says about every receipt."""

from dataclasses import dataclass

from loyalty.earning.rule_set import Stacking


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
