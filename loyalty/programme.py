"""The programme's own settings: zone, currency, earning, expiry, contact rules, rewards.

One frozen model, read from a YAML file at start or taken as the defaults below; the defaults are
the example figures of a regional supermarket and every one of them can be changed.
"""

from datetime import time, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from loyalty.earning.check import misfits
from loyalty.earning.rule_set import Base, Match, Rule, RuleSet, Stacking
from loyalty.expiry_policy import Expiry
from loyalty.tiers.settings import Tiers

Channel = Literal["inbox", "email", "webhook"]
Purpose = Literal["marketing", "service"]
CHANNELS: tuple[Channel, ...] = ("inbox", "email", "webhook")
PURPOSES: tuple[Purpose, ...] = ("marketing", "service")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not an IANA time zone such as Asia/Shanghai") from None
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Earning(Settings):
    """How a purchase earns until a version of its own is activated: the programme's version 1.

    base x category rate x (1 + sum of bonuses), floored once. `rules` may say more, as in a file
    of earning rules.
    """

    version: str = "1"
    # Feature 9: 10 yuan = 1 point.
    base_minor: int = Field(1000, ge=1, description="net amount, in minor units, per `base_points`")
    base_points: int = Field(1, ge=0)
    # Feature 11: category rates multiply the base; 20,000 = twice.
    category_rates_bp: dict[str, int] = Field(default_factory=lambda: {"fresh": 20_000})
    # Feature 12: weekend +50%.
    weekend_bonus_bp: int = Field(5_000, ge=0)
    # Rule 10: the sum of bonuses never lifts a receipt above this.
    maximum_multiplier_bp: int = Field(50_000, ge=10_000)
    excluded_categories: tuple[str, ...] = ("gift_card", "top_up", "shipping")  # rule 11
    tax: Literal["included", "excluded"] = "included"  # rule 11
    stacking: Stacking = "additive"  # rule 10
    rules: tuple[Rule, ...] = ()
    # Feature 30: 100 points are worth 1 yuan. What a stack of rules gives back is measured by it.
    cash_points: int = Field(100, ge=1)
    cash_minor: int = Field(100, ge=1)
    # Rules that could give back more of a purchase's price than this need a reason; 1,000 = 10%.
    highest_return_bp: int = Field(1_000, ge=0)

    @cached_property
    def rule_set(self) -> RuleSet:
        """The block as a rule set."""
        when = Match(weekdays=("sat", "sun"))
        weekend = [
            Rule(id="weekend", when=when, bonus_bp=bonus)
            for bonus in [self.weekend_bonus_bp]
            if bonus
        ]
        return RuleSet(
            version=self.version,
            base=Base(minor=self.base_minor, points=self.base_points),
            category_rates_bp=self.category_rates_bp,
            excluded_categories=self.excluded_categories,
            tax=self.tax,
            stacking=self.stacking,
            maximum_multiplier_bp=self.maximum_multiplier_bp,
            rules=(*weekend, *self.rules),
        )


class Gifting(Settings):
    """Points from member to member (feature 40): each a calendar month, in the programme's zone."""

    sent_monthly: int = Field(1_000, ge=0, description="most points a member gives away; 0 = none")
    received_monthly: int = Field(1_000, ge=0)
    # Rule 25: a welcome bonus is no gift for somebody else.
    wait_days: int = Field(30, ge=0, le=36_500, description="so long after joining")


class Contact(Settings):
    """The contact gate: who may be told what, how often, and when not."""

    quiet_from: time = time(21, 0)
    quiet_until: time = time(9, 0)
    # At most this many marketing messages per member and channel in the window.
    frequency_cap: int = Field(3, ge=1)
    frequency_window: timedelta = Field(timedelta(days=7), gt=timedelta(0), le=timedelta(days=366))
    daily_budget: dict[Channel, int] = Field(default_factory=dict, description="sends per day")
    default_consent: dict[Channel, bool] = Field(
        {"inbox": True, "email": False, "webhook": False},
        description="for marketing, where a member said nothing",
    )
    give_up_after: timedelta = Field(timedelta(days=3), gt=timedelta(0), le=timedelta(days=366))

    def assumes(self, channel: Channel, purpose: Purpose) -> bool:
        """What silence means: a yes to service, the programme's word on marketing."""
        return purpose == "service" or self.default_consent.get(channel, False)


class Burning(Settings):
    """How points pay a part of the bill at the till (feature 30). What a point is worth stands in
    `earning`: `cash_points` for `cash_minor`.
    """

    minimum_bill_minor: int = Field(20_000, ge=0, description="of what points may pay for")
    step_points: int = Field(100, ge=1, description="points are used in multiples of these")
    maximum_share_bp: int = Field(10_000, ge=1, le=10_000, description="of the bill; 10,000 = all")
    hold_minutes: int = Field(10, ge=1, le=1_440)
    excluded_categories: tuple[str, ...] = ("gift_card", "top_up")
    # Rule 7: how long points live that lapsed meanwhile and come back through the shop's fault.
    grace_days: int = Field(30, ge=1, le=3_650)


class Launch(Settings):
    """What a launch is held to. Points at most are the campaign's budget; their cost is their cash
    value, see `earning`.
    """

    needs_budget: bool = Field(False, description="a campaign that gives points must have a budget")
    most_points: int | None = Field(None, ge=1, description="no budget may be above; none = any")
    most_cost_minor: int | None = Field(None, ge=1, description="the same in money, minor units")
    second_person: bool = Field(False, description="one person asks, another approves")


class Reward(Settings):
    """Something members know the price of, so that a message can say what their points buy."""

    id: str
    name: dict[str, str]
    points: int = Field(ge=1)


class Programme(Settings):
    name: str = "Milepost"
    zone: ZoneName = "Asia/Shanghai"
    currency: str = Field("CNY", pattern=r"^[A-Z]{3}$")
    locales: tuple[str, ...] = ("en", "zh")
    earning: Earning = Earning()
    expiry: Expiry = Expiry()
    gifting: Gifting = Gifting()
    contact: Contact = Contact()
    burning: Burning = Burning()
    launch: Launch = Launch()
    # Put before phone numbers that are written without one, so that a member is found by either.
    phone_country: str = Field("86", pattern=r"^[1-9][0-9]{0,2}$")
    tiers: Tiers = Tiers()
    # Rule 13: how long after a period's end an upload still counts for it.
    lateness: timedelta = Field(timedelta(days=3), ge=timedelta(0), le=timedelta(days=366))
    event_types: tuple[str, ...] = (
        "check_in", "review", "survey", "share", "referral", "visit", "course", "green_act",
    )  # fmt: skip
    rewards: tuple[Reward, ...] = ()
    """What messages may name as worth its price; none, until the shop has something to offer."""

    @model_validator(mode="after")
    def _whole_steps(self) -> Self:
        if self.burning.step_points * self.earning.cash_minor % self.earning.cash_points:
            raise ValueError("each step of points must be worth whole minor units at the till")
        return self

    @model_validator(mode="after")
    def _rules_can_be_used(self) -> Self:
        """What is wrong is said at start, not at the till."""
        said = [
            f"rule {rule.id!r}, {'.'.join(map(str, each.path))}: {each.message}"
            for rule in self.earning.rule_set.rules
            for each in misfits(rule, self.known_events, self.tz)
        ]
        if said:
            raise ValueError("; ".join(said))
        return self

    @property
    def known_events(self) -> tuple[str, ...]:
        """Every event type a campaign may name: our own, and those the programme declares."""
        own = (
            "member.registered",
            "purchase",
            "refund",
            "tier.changed",
            "tier.at_risk",
            "points.expiring",
        )
        return (*own, *self.event_types)

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)
