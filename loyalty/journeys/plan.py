"""The step language: what a journey may do, as frozen data.

A plan is compiled from a template and a marketer's values when a campaign version is made, and
never changes after. Steps lie flat in `nodes` by their stable id, each naming what comes next, so
a position in a journey is one id. Lengths are ISO 8601 in YAML and `Length` here; points are whole;
multipliers are basis points (20,000 = double).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from loyalty.programme import Channel, Purpose
from loyalty.timing import Length

StepId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Grant(Model):
    """Give points, once, from the campaign's budget."""

    kind: Literal["grant"] = "grant"
    points: int = Field(ge=0)
    to: Literal["member", "inviter"] = "member"
    expires_after: Length | None = None  # none = the programme's expiry policy


class Card(Model):
    """A personal multiplier for a time."""

    kind: Literal["card"] = "card"
    multiplier_bp: int = Field(gt=10_000, le=100_000)
    lasts: Length


class Coupon(Model):
    kind: Literal["coupon"] = "coupon"
    coupon: str
    lasts: Length


class Tag(Model):
    kind: Literal["tag"] = "tag"
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class Notify(Model):
    """Queue one message per channel; the contact gate decides what becomes of each."""

    kind: Literal["notify"] = "notify"
    message: str
    channels: tuple[Channel, ...] = ("inbox",)
    purpose: Purpose = "marketing"
    to: Literal["member", "inviter"] = "member"


Effect = Annotated[Grant | Card | Coupon | Tag | Notify, Field(discriminator="kind")]


class Moment(Model):
    """An instant a journey can name: a length from now, a date, or the end of its period.

    Exactly one of `after`, `at`, `end_of` is set; `minus` counts back from it; `local_time`
    (HH:MM, programme zone) moves it on to the next such time of day.
    """

    after: Length | None = None
    at: datetime | None = None
    end_of: Literal["day", "month"] | None = None
    minus: Length | None = None
    local_time: Annotated[str, Field(pattern=r"^\d{2}:\d{2}$")] | None = None


class Wait(Model):
    kind: Literal["wait"] = "wait"
    until: Moment


class Goal(Model):
    """Something the member does, counted from the inbox, with its own reward.

    A refunded purchase no longer counts. `undo` says what a reward does when the count falls below
    the goal again while the wait is open: `reverse` takes it back, `keep` leaves it.
    """

    id: StepId
    on: str
    where: str | None = None
    count: int = Field(1, ge=1, le=1000)
    once_per: Literal["day", "day_and_store"] | None = None
    reward: tuple[Effect, ...] = ()
    almost: Notify | None = None  # told once, when exactly one is missing
    undo: Literal["reverse", "keep"] = "reverse"


class Reminder(Model):
    id: StepId
    at: Moment | None = None  # counted from the wait's start
    before_end: Length | None = None  # or back from its deadline; exactly one of the two
    notify: Notify


class Await(Model):
    """The only waiting for members' acts: goals, until a deadline."""

    kind: Literal["await"] = "await"
    goals: tuple[Goal, ...] = Field(min_length=1, max_length=10)
    need: Literal["all", "any"] = "all"
    until: Moment
    lateness: Length | None = None  # uploads of before the deadline count this much longer
    # `at_deadline` keeps the wait open when all is met, so that a refund still takes a reward back.
    settle: Literal["at_once", "at_deadline"] = "at_once"
    remind: tuple[Reminder, ...] = ()
    met: str | None = None  # node ids; none = the journey's next
    missed: str | None = None


class Branch(Model):
    kind: Literal["branch"] = "branch"
    condition: str
    then: str | None = None
    otherwise: str | None = None


class Arm(Model):
    id: StepId
    weight: int = Field(ge=1, le=10_000)
    next: str | None = None


class Split(Model):
    """Sticky arms by hash of member and salt: recomputable, never redrawn."""

    kind: Literal["split"] = "split"
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=10)


class End(Model):
    kind: Literal["end"] = "end"
    outcome: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


Step = Annotated[
    Grant | Card | Coupon | Tag | Notify | Wait | Await | Branch | Split | End,
    Field(discriminator="kind"),
]


class Node(Model):
    step: Step
    next: str | None = None  # none = the journey ends as `completed`


class Plan(Model):
    """A compiled journey: where it starts, and every step by id."""

    template: str
    start: str | None  # none = a campaign without a member journey (broadcasts only)
    nodes: dict[str, Node]
    goal: Goal | None = None  # success, measured against the holdout
    goal_within: Length | None = None


def ways(node: Node) -> Iterator[str | None]:
    """Where a journey may go from a node; none = its end."""
    step = node.step
    if isinstance(step, Await):
        yield from (step.met or node.next, step.missed or node.next)
    elif isinstance(step, Branch):
        yield from (step.then or node.next, step.otherwise or node.next)
    elif isinstance(step, Split):
        yield from (arm.next or node.next for arm in step.arms)
    else:
        yield node.next
