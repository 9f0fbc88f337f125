"""Watching a campaign: its figures as of now, as they change, and as a sheet to take away."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from api.console.sheet import MEDIA_TYPE, sheet
from api.errors import problems
from api.keys import Caller, needs, still_let_in
from api.lookout import OVER, look
from api.recording import CampaignId
from api.routes.watch_shapes import CampaignWatch
from api.services import Given
from loyalty.errors import Unknown

router = APIRouter(tags=["Campaigns"])


_Reader = Annotated[Caller, needs("read_campaigns")]
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
def watch_campaign(campaign_id: CampaignId, given: Given, caller: _Reader) -> CampaignWatch:
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
def follow_campaign(
    campaign_id: CampaignId, given: Given, caller: _Reader, request: Request
) -> Response:
    """Sends the figures when they change, every two seconds at most, until the campaign is over.

    It ends within seconds of the key being revoked. After ten minutes it ends too: connect
    again, as an `EventSource` does by itself.
    """
    figures = figures_of(given, campaign_id)
    if figures["state"] in OVER and not figures["live"]:
        return Response(status_code=204)
    given.lookout.make_room()
    return EventSourceResponse(_events(given, campaign_id, still_let_in(request)))


async def _events(
    given: Given, campaign_id: str, still: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[bytes, None]:
    # Whoever hangs up must be forgotten at once.
    async with aclosing(given.lookout.follow(given, campaign_id, still)) as followed:
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
    caller: _Reader,
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
