"""Whether a campaign did anything: treated members compared with those held out, honestly.

Two intervals for the difference of the two goal rates. The fixed one (Newcombe's hybrid of Wilson
scores) holds for one look at a time that was chosen beforehand. The always-valid one, which a live
page shows because people look again and again, is a confidence sequence: a normal mixture over the
difference, so that all looks together are wrong no more often than one is allowed to be. There is
no verdict while it holds zero. A random holdout that does not have the share it was drawn with
says that something is broken, and then no figure is to be believed.

Rates and differences are shares of 1, not percent.
"""

from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist
from typing import Literal

from loyalty.points import BASIS

CONFIDENCE = 0.95
BROKEN_BELOW = 0.001
"""A split this unlikely is taken for a fault: the level that experimenters alarm at, so low since
the question is asked all the time."""
_TYPICAL = 0.2
"""The size of difference, in parts of one member's own spread, that the mixture is tuned for."""
ENOUGH = 5
"""Members in each arm with the goal, and without it, below which nothing normal can be assumed."""

Verdict = Literal["no_holdout", "nobody_yet", "too_few", "no_verdict", "better", "worse"]


@dataclass(frozen=True, slots=True)
class Arm:
    """Members, and how many of them reached the goal."""

    members: int
    met: int

    @property
    def rate(self) -> float:
        return self.met / self.members if self.members else 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Lift:
    """Treated less held out. Intervals are none where an arm has nobody."""

    treated: Arm
    holdout: Arm
    difference: float | None
    fixed: Interval | None  # right for one planned look
    always: Interval | None  # right however often one looks
    verdict: Verdict


def lift(treated: Arm, holdout: Arm, *, held_out_bp: int) -> Lift:
    """Compare the arms; `held_out_bp` is the share of members held out, in basis points."""
    if not treated.members or not holdout.members:
        nobody: Verdict = "nobody_yet" if held_out_bp or holdout.members else "no_holdout"
        return Lift(treated, holdout, None, None, None, nobody)
    difference = treated.rate - holdout.rate
    always = always_valid(treated, holdout)
    fixed = newcombe_wilson(treated, holdout)
    verdict: Verdict = "no_verdict"
    if not _enough(treated, holdout):
        verdict = "too_few"
    elif always.low > 0:
        verdict = "better"
    elif always.high < 0:
        verdict = "worse"
    return Lift(treated, holdout, difference, fixed, always, verdict)


def newcombe_wilson(a: Arm, b: Arm, confidence: float = CONFIDENCE) -> Interval:
    """The interval of a.rate - b.rate for one look: Newcombe 1998, method 10."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    low_a, high_a = _wilson(a, z)
    low_b, high_b = _wilson(b, z)
    difference = a.rate - b.rate
    return Interval(
        difference - sqrt((a.rate - low_a) ** 2 + (high_b - b.rate) ** 2),
        difference + sqrt((high_a - a.rate) ** 2 + (b.rate - low_b) ** 2),
    )


def always_valid(a: Arm, b: Arm, confidence: float = CONFIDENCE) -> Interval:
    """The interval of a.rate - b.rate that holds at every look at once.

    A mixture sequential probability ratio test turned round (Robbins 1970; Johari and others 2017):
    the mixing variance is set for differences of a fifth of one member's own spread, the size
    that campaigns move; another size would be as valid, only wider.
    """
    # One success and one failure more in each arm: no interval of width zero before anybody acted.
    rates = [(arm.met + 1) / (arm.members + 2) for arm in (a, b)]
    variance = sum(rate * (1 - rate) / arm.members for rate, arm in zip(rates, (a, b), strict=True))
    common = (a.met + b.met + 1) / (a.members + b.members + 2)
    mixing = common * (1 - common) * _TYPICAL**2
    reach = variance * (variance + mixing) / mixing
    width = sqrt(reach * (2 * log(1 / (1 - confidence)) + log((variance + mixing) / variance)))
    difference = a.rate - b.rate
    return Interval(max(difference - width, -1.0), min(difference + width, 1.0))


def split_is_broken(treated: int, held_out: int, held_out_bp: int) -> bool:
    """Whether the arms are too far from the share they were drawn with (chi-square, 1 degree).

    Small numbers are never alarming: the test needs five expected in each arm.
    """
    return split_chance(treated, held_out, held_out_bp) < BROKEN_BELOW


def split_chance(treated: int, held_out: int, held_out_bp: int) -> float:
    """The chance of a split at least this far off, were the holdout drawn as it should be."""
    total = treated + held_out
    share = held_out_bp / BASIS
    expected = total * share
    if min(expected, total - expected) < ENOUGH:
        return 1.0
    chi_square = (held_out - expected) ** 2 * (1 / expected + 1 / (total - expected))
    return 2 * (1 - NormalDist().cdf(sqrt(chi_square)))


def _wilson(arm: Arm, z: float) -> tuple[float, float]:
    n, rate = arm.members, arm.rate
    middle = rate + z * z / (2 * n)
    spread = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def _enough(*arms: Arm) -> bool:
    return all(min(arm.met, arm.members - arm.met) >= ENOUGH for arm in arms)
