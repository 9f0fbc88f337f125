"""Watching a campaign: its figures as of now, as they change, and as a sheet to take away."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel, Field

from api.console.sheet import MEDIA_TYPE, sheet
from api.errors import problems
from api.keys import Caller, needs
from api.lookout import OVER, look
from api.recording import CampaignId
from api.services import Given
from loyalty.errors import Unknown
from loyalty.lift import Verdict
from loyalty.records import CampaignState

router = APIRouter(tags=["Campaigns"])


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


_Marketer = Annotated[Caller, needs("read_campaigns")]
_EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"const": "figures"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/CampaignWatch"},
        },
    },
}


@router.get(
    "/v1/campaigns/{campaign_id}/watch",
    summary="Read a campaign's figures",
    responses=problems("unknown"),
)
def watch_campaign(campaign_id: CampaignId, given: Given, caller: _Marketer) -> CampaignWatch:
    """Funnel, goal, points, messages and days, counted now.

    `lift` compares treated and held-out members. `always` may be looked at as often as one likes;
    `fixed` only once, at a time chosen before the launch.
    """
    return CampaignWatch.model_validate(figures_of(given, campaign_id))


@router.get(
    "/v1/campaigns/{campaign_id}/live",
    summary="Follow a campaign's figures",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events `figures`, each with the body of `/watch`",
            "content": {"text/event-stream": {"itemSchema": _EVENT}},
        },
        204: {"description": "The campaign is over: nothing will change any more"},
        **problems("unknown", "busy"),
    },
)
def follow_campaign(campaign_id: CampaignId, given: Given, caller: _Marketer) -> Response:
    """Sends the figures when they change, every two seconds at most, until the campaign is over.

    After ten minutes the stream ends: connect again, as an `EventSource` does by itself.
    """
    figures = figures_of(given, campaign_id)
    if figures["state"] in OVER and not figures["live"]:
        return Response(status_code=204)
    given.lookout.make_room()
    return EventSourceResponse(_events(given, campaign_id))


async def _events(given: Given, campaign_id: str) -> AsyncIterator[bytes]:
    # Whoever hangs up must be forgotten at once.
    async with aclosing(given.lookout.follow(given, campaign_id)) as followed:
        async for figures in followed:
            if figures is None:
                yield format_sse_event(comment="still here")
            else:
                data = CampaignWatch.model_validate(figures).model_dump_json()
                yield format_sse_event(event="figures", data_str=data)


@router.get(
    "/v1/campaigns/{campaign_id}/report.xlsx",
    summary="Take a campaign's figures away",
    response_class=Response,
    responses={
        200: {
            "description": "An Excel workbook",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems("unknown"),
    },
)
def report_campaign(
    campaign_id: CampaignId,
    given: Given,
    caller: _Marketer,
    language: Literal["en", "zh"] = "en",
) -> Response:
    """The same figures as sheets: summary, funnel, days, messages, outcomes. Nobody is named."""
    return report(figures_of(given, campaign_id), language, given.programme.zone)


def report(figures: dict[str, Any], language: str, zone: str) -> Response:
    """The workbook as a file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(figures)}"'}
    return Response(sheet(figures, language, zone), media_type=MEDIA_TYPE, headers=headers)


def _file_name(figures: dict[str, Any]) -> str:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in figures["id"])
    return f"{plain}-{figures['at']:%Y-%m-%d}.xlsx"


def figures_of(given: Given, campaign_id: str) -> dict[str, Any]:
    """The figures of now. Raises Unknown."""
    found = look(given, campaign_id)
    if found is None:
        raise Unknown("campaign", campaign_id)
    return dict(found)
