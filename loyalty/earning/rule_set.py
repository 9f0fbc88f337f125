"""The earning rules of one version, as data that a marketer writes and nothing changes afterwards.

Money is whole minor units, rates and bonuses are basis points (10,000 = once), points are whole.
Instants may be written as a date, a wall time in the programme's zone, or an instant with offset;
windows are half open, and an end that is only a date is the end of that local day (rule 12).
"""

import re
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from loyalty.events import MINOR_MAX
from loyalty.points import BASIS

RULES_MAX = 200
POINTS_MAX = 1_000_000_000
RATE_MAX = 1_000_000  # a hundredfold

Period = Literal["day", "week", "month", "ever"]
PERIODS: tuple[Period, ...] = ("day", "week", "month", "ever")
Stacking = Literal["additive", "multiplicative", "best_only"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?")


def a_moment(text: str) -> str:
    """A date, a wall time or an instant, as written; raises ValueError.

    Within the years that events may lie in: at the ends of the calendar a day cannot be ended, nor
    a wall time be told in another zone.
    """
    try:
        if not _MOMENT.fullmatch(text):  # 20260217 would be midnight, and 2026-W08 another day
            raise ValueError
        read = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a date (2026-02-17) or a time (2026-02-17T10:00)") from None
    if not 2000 <= read.year < 2100:
        raise ValueError("must lie between the years 2000 and 2100; leave it out for no limit")
    return text


When = Annotated[str, AfterValidator(a_moment)]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Words = Annotated[tuple[Word, ...], Field(min_length=1, max_length=500)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Points = Annotated[int, Field(ge=1, le=POINTS_MAX)]
Minor = Annotated[int, Field(ge=1, le=MINOR_MAX)]


class Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Written):
    """From this much money on, a receipt earns so many points."""

    minor: Minor
    points: Points


class Base(Written):
    """What money earns before rates and bonuses: `points` for every `minor`, or a table of steps.

    `beyond` says what money above the highest step that fits earns: `flat` nothing, `greedy` as
    many further steps as fit. With 100 yuan = 10 and 200 yuan = 25, 350 yuan earn 25 or 35.
    """

    minor: Minor | None = None
    points: int = Field(1, ge=0, le=POINTS_MAX)
    steps: tuple[Step, ...] = Field((), max_length=50)
    beyond: Literal["flat", "greedy"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.steps) == (self.minor is not None):
            raise ValueError("takes either `minor` and `points`, or `steps`")
        if bool(self.steps) != (self.beyond is not None):
            raise ValueError("a table of steps says what lies `beyond` it: flat or greedy")
        for low, high in pairwise(self.steps):
            if low.minor >= high.minor or low.points > high.points:
                raise ValueError("steps rise, in money and in points")
        return self


class Hours(Written):
    """A part of the day by the programme's clock, from (included) until (not included).

    What runs past midnight belongs to the day it began on: its weekday, and whether a holiday.
    """

    since: TimeOfDay
    until: TimeOfDay


class Holidays(Written):
    """Public holidays of a country, lunar ones too; all of them, or those whose name holds a word.

    Names are known in English and in the country's own language: `Spring Festival`, `春节`.
    """

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "CN"
    names: tuple[Word, ...] = Field((), max_length=50)


class Match(Written):
    """When a rule holds: every field that is given must fit; within a list, any one of it.

    `skus`, `categories` and `brands` choose lines, the rest the whole receipt or event. `condition`
    is CEL over the member and the place; it sees no amounts and no lines, which a return changes.
    """

    event: Word | None = None  # none = a purchase
    skus: Words | None = None
    categories: Words | None = None
    brands: Words | None = None
    first_purchase: bool = False
    from_minor: Minor | None = None
    stores: Words | None = None
    channels: Words | None = None
    tiers: Words | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] | None = None
    hours: Hours | None = None
    holidays: Holidays | None = None
    condition: str | None = None

    @property
    def chooses_lines(self) -> bool:
        return bool(self.skus or self.categories or self.brands)


class Cap(Written):
    """At most so many points for one member in a period of the programme's calendar (rule 22)."""

    points: Points
    per: Period


def _one_a_period(caps: tuple[Cap, ...]) -> tuple[Cap, ...]:
    if len({cap.per for cap in caps}) != len(caps):
        raise ValueError("has two caps for one period")
    return caps


Caps = Annotated[tuple[Cap, ...], Field(max_length=4), AfterValidator(_one_a_period)]


class Rule(Written):
    """One rule: when it holds, and exactly one effect.

    `rate_bp` replaces the base rate of the lines it chooses, `bonus_bp` joins the stack of bonuses,
    `points` are added flat. Lower `priority` comes first, then the id; of an exclusive `group` only
    the first that holds counts (rule 10).
    """

    id: RuleId
    when: Match = Match()
    rate_bp: int | None = Field(None, ge=0, le=RATE_MAX)
    bonus_bp: int | None = Field(None, ge=1, le=RATE_MAX)
    points: Points | None = None
    valid_from: When | None = None
    valid_until: When | None = None
    priority: int = Field(100, ge=0, le=10_000)
    group: RuleId | None = None
    campaign: RuleId | None = None
    caps: Caps = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if sum(e is not None for e in (self.rate_bp, self.bonus_bp, self.points)) != 1:
            raise ValueError("has exactly one of rate_bp, bonus_bp and points")
        when = self.when
        if self.rate_bp is not None and (
            self.caps or self.group or self.campaign or when.from_minor or when.first_purchase
        ):
            raise ValueError(
                "a rate_bp takes no caps, group, campaign, from_minor or first_purchase: "
                "make it a bonus_bp"
            )
        if when.first_purchase and (not when.skus or self.points is None):
            raise ValueError("first_purchase names its skus and gives flat points")
        if when.event is not None and (
            self.points is None or when.chooses_lines or when.from_minor
        ):
            raise ValueError("an act other than a purchase has no lines and earns flat points")
        return self


class RuleSet(Written):
    """Everything a purchase or another act is judged by, in one version (rule 13)."""

    version: str = "1"
    base: Base
    category_rates_bp: dict[Word, Annotated[int, Field(ge=0, le=RATE_MAX)]] = Field(
        default_factory=dict, max_length=1000
    )
    excluded_categories: tuple[Word, ...] = ("gift_card", "top_up", "shipping")  # rule 11
    tax: Literal["included", "excluded"] = "included"  # rule 11
    stacking: Stacking = "additive"  # rule 10
    maximum_multiplier_bp: int = Field(50_000, ge=BASIS, le=RATE_MAX)
    # The best personal card that counts; none = as far as the maximum multiplier lets it.
    card_maximum_bp: int | None = Field(None, ge=BASIS, le=RATE_MAX)
    caps: Caps = ()  # on all that a member earns
    campaign_caps: dict[RuleId, Caps] = Field(default_factory=dict, max_length=200)
    rules: tuple[Rule, ...] = Field((), max_length=RULES_MAX)

    @model_validator(mode="after")
    def _each_rule_once(self) -> Self:
        names = [rule.id for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"has two rules {twice[0]!r}")
        return self
