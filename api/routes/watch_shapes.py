"""A campaign's figures as the API shows them: counts alone, nothing about one member."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from loyalty.lift import Verdict
from loyalty.records import CampaignState


class StepView(BaseModel):
    """One step of the journey, in the order members meet them."""

    step: str
    kind: str
    reached: int = Field(description="Runs that came to it")
    here: int = Field(description="Runs that stand there now")
    places: dict[str, int] = Field(description="Goals of a wait that stand, and ways taken from it")


class FunnelView(BaseModel):
    """One version of the campaign: whoever entered with it."""

    version: int
    entered: int
    held_out: int
    steps: list[StepView]
    outcomes: dict[str, int]


class GoalView(BaseModel):
    on: str
    where: str | None = None
    count: int
    within: str | None = Field(None, description="ISO 8601 length, from entering on")


class ArmView(BaseModel):
    members: int = Field(description="Each by their first run")
    met: int
    rate: float | None = None


class IntervalView(BaseModel):
    low: float
    high: float


class LiftView(BaseModel):
    """Treated members compared with those held out; rates and differences as shares of 1."""

    goal: GoalView
    treated: ArmView
    holdout: ArmView
    in_time: int = Field(description="Members who still have time for the goal")
    difference: float | None = None
    fixed: IntervalView | None = Field(None, description="95 %, for one look planned beforehand")
    always: IntervalView | None = Field(None, description="95 %, however often one looks")
    verdict: Verdict = Field(description="no_verdict until `always` leaves out zero")
    held_out_bp: int = Field(description="Share that should be held out, in basis points")
    split_broken: bool = Field(description="The arms cannot have these sizes by chance")


class PointsView(BaseModel):
    budget: int | None = None
    granted: int
    reserved: int
    taken_back: int
    left: int | None = Field(None, description="Neither granted nor reserved")
    per_day: int = Field(description="Mean of the last seven days that are over")
    used_up_on: date | None = Field(None, description="At this pace")


class DayView(BaseModel):
    day: date = Field(description="In the programme's zone")
    granted_points: int
    taken_back_points: int
    messages: dict[str, dict[str, int]] = Field(description="By channel and status")


class HeldBackView(BaseModel):
    rule: str = Field(description="The contact rule that put messages off or dropped them")
    status: str = Field(description="What became of them")
    count: int


class ReasonView(BaseModel):
    reason: str
    count: int


class ClaimedView(BaseModel):
    claims: int
    units: int
    points: int


class ExchangeView(BaseModel):
    title: dict[str, Any]
    sku: str
    state: str
    points: int
    stock: int
    remaining: int
    opens_at: datetime
    closes_at: datetime
    claims: dict[str, ClaimedView]


class CampaignWatch(BaseModel):
    """What a campaign did so far. Counts alone: nothing in it is about one member."""

    id: str
    name: str
    template: str
    state: CampaignState
    version: int
    launched_at: datetime | None = None
    ended_at: datetime | None = None
    at: datetime = Field(description="When it was counted")
    entered: int
    held_out: int
    live: int
    states: dict[str, int]
    funnels: list[FunnelView] = Field(description="By version, oldest first")
    lift: LiftView | None = Field(None, description="none = the campaign has no goal")
    points: PointsView
    days: list[DayView]
    messages: dict[str, dict[str, int]] = Field(description="By channel and status")
    held_back: list[HeldBackView]
    refused: list[ReasonView] = Field(description="Who was not let in, and why")
    skipped: list[ReasonView] = Field(description="Steps that were passed over, and why")
    exchange: ExchangeView | None = None
