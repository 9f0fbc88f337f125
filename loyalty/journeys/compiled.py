"""A template with a marketer's values filled in: all that one campaign version is.

Frozen and plain JSON, so that it can be stored as the version's row and read back unchanged.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from loyalty.audiences.rules import Audience
from loyalty.journeys.moments import CampaignMoment
from loyalty.journeys.plan import Model, Plan
from loyalty.message_context import Variable
from loyalty.templates import Bilingual, Text, content_hash
from loyalty.timing import Length

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class EnterOnEvent(Model):
    """A member enters when such an event of theirs comes in."""

    kind: Literal["event"] = "event"
    on: str
    where: str | None = None  # over EVENT


class EnterMonthly(Model):
    """The audience enters every month; a day the month lacks is its last day."""

    kind: Literal["monthly"] = "monthly"
    day: int = Field(ge=1, le=31)
    at: TimeOfDay


class EnterDaily(Model):
    """Whoever is in the audience at that time of day enters."""

    kind: Literal["daily"] = "daily"
    at: TimeOfDay


class EnterAtLaunch(Model):
    """The audience at launch enters, once."""

    kind: Literal["launch"] = "launch"


class EnterByApi(Model):
    """Members enter when another system says so."""

    kind: Literal["api"] = "api"


Enter = Annotated[
    EnterOnEvent | EnterMonthly | EnterDaily | EnterAtLaunch | EnterByApi,
    Field(discriminator="kind"),
]


class Reentry(Model):
    """When a member may enter again. Two runs of one member never wait for the same acts.

    `once_per_period`: one run per month or day of the schedule. Last period's run may still be open
    for late uploads when the next begins, so there the rule is one run per period, not one at once.
    `again_after`: a run must have ended this long ago.
    """

    rule: Literal["once_per_member", "once_per_period", "again_after"]
    after: Length | None = None

    @property
    def may_overlap(self) -> bool:
        return self.rule == "once_per_period"


class Exchange(Model):
    """Something members can have for points, for a time, while stock lasts."""

    sku: str
    title: Bilingual
    points: int = Field(ge=1)
    stock: int = Field(ge=1)
    per_member: int = Field(ge=1)
    hold: Length  # how long a claim is reserved before it must be confirmed
    who: str | None = None  # a condition over MEMBER: whose claims are taken; none = everybody's
    opens_at: datetime
    closes_at: datetime


class Compiled(Model):
    """One campaign, ready to launch."""

    template: str
    template_hash: str
    values: dict[str, Any]  # every parameter as plain JSON
    message_values: dict[str, Any]  # the same as message rows carry them, by dotted name
    plan: Plan
    enter: Enter | None  # none = no member journey
    audience: str | None  # over MEMBER; none = everybody
    # How the marketer narrowed the template's own audience; `audience` says it already.
    narrowed_by: Audience | None = None
    reentry: Reentry
    holdout_bp: int = Field(ge=0, le=5_000)
    budget_points: int | None = Field(ge=0)  # none = no limit
    moments: tuple[CampaignMoment, ...] = ()
    exchange: Exchange | None = None
    messages: dict[str, dict[str, Text]]
    message_variables: dict[str, tuple[Variable, ...]]

    @property
    def hash(self) -> str:
        """Of the whole version: values, plan, schedule and texts."""
        return content_hash(self)

    @property
    def plan_hash(self) -> str:
        return content_hash(self.plan)
