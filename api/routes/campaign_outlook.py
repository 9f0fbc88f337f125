"""A campaign before launch, through one member's eyes: messages, the days to come, the estimate."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from api.campaign_outlook import (
    CalendarView,
    EstimateView,
    PreviewView,
    door_view,
    estimate_view,
    message_view,
    row_view,
)
from api.errors import problems
from api.keys import Caller, needs
from api.problems import locale_of
from api.recording import CampaignId
from api.services import Given
from loyalty import rehearsal
from loyalty.admission import compiled
from loyalty.registration import MEMBER_ID
from loyalty.simulation.assumptions import USUAL_MINOR, Assumption, Kind
from loyalty.simulation.calendar import rows
from loyalty.simulation.play import DAYS

router = APIRouter(tags=["Campaigns"])

VersionAsked = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="none = the present version")
]
MemberAsked = Annotated[
    str | None, Query(pattern=MEMBER_ID, description="none = a sample who does not exist")
]
LocaleAsked = Annotated[
    Literal["en", "zh"] | None, Query(description="none = the member's own language")
]


def _assumed(
    assume: Annotated[Kind, Query(description="What the member does")] = "nothing",
    day: Annotated[int, Query(ge=0, le=DAYS, description="Of the assumed purchase")] = 3,
    minor: Annotated[
        int, Query(ge=1, le=10**9, description="Its sum, in minor units")
    ] = USUAL_MINOR,
) -> Assumption:
    return Assumption(kind=assume, day=day, minor=minor)


Assumed = Annotated[Assumption, Depends(_assumed)]


@router.get(
    "/v1/campaigns/{campaign_id}/preview",
    summary="Preview a campaign's messages",
    responses=problems("unknown", "wrong_state"),
)
def preview_messages(
    campaign_id: CampaignId,
    given: Given,
    caller: Annotated[Caller, needs("read_messages")],
    member_id: MemberAsked = None,
    version: VersionAsked = None,
    locale: LocaleAsked = None,
) -> PreviewView:
    """Every message, rendered as it would be sent, with its weight and the contact gate's say.

    Figures are those of the member's simulated journey. Nothing is queued and nothing is written.
    """

    def work(tx: Any) -> PreviewView:
        member, spoken, shown = rehearsal.preview(
            tx, campaign_id, version, member_id, locale, given.say
        )
        _, found = rehearsal.shown_version(tx, campaign_id, version)
        locales = sorted({name for texts in found.messages.values() for name in texts})
        return PreviewView(
            campaign_id=campaign_id,
            version=found.version,
            member_id=member.id,
            sample=member_id is None,
            locale=spoken,
            locales=locales,
            messages=[message_view(each) for each in shown],
        )

    return given.store.read(work)


@router.get(
    "/v1/campaigns/{campaign_id}/calendar",
    summary="See a member's next days in a campaign",
    responses=problems("unknown", "wrong_state"),
)
def read_calendar(
    campaign_id: CampaignId,
    request: Request,
    given: Given,
    caller: Annotated[Caller, needs("explain")],
    assumed: Assumed,
    member_id: MemberAsked = None,
    version: VersionAsked = None,
) -> CalendarView:
    """The journey itself, played on paper with the clock moved: the steps a member would live."""
    locale, zone = locale_of(request), given.programme.tz

    def work(tx: Any) -> CalendarView:
        member, played = rehearsal.calendar(
            tx, campaign_id, version, member_id, assumed, locale=locale
        )
        _, found = rehearsal.shown_version(tx, campaign_id, version)
        mine = [c for c in played.credits if c.member_id == member.id and c.campaign_id]
        return CalendarView(
            campaign_id=campaign_id,
            version=found.version,
            member_id=member.id,
            sample=member_id is None,
            assumed=assumed,
            start=played.start,
            end=played.end,
            door=door_view(played.door),
            cannot=list(played.cannot),
            points=sum(credit.points for credit in mine),
            rows=[row_view(row, locale, zone) for row in rows(played)],
        )

    return given.store.read(work)


@router.get(
    "/v1/campaigns/{campaign_id}/estimate",
    summary="Estimate a campaign",
    responses=problems("unknown"),
)
def read_estimate(
    campaign_id: CampaignId,
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
    version: VersionAsked = None,
) -> EstimateView:
    """Whom it would reach, what it would give and cost, and why a launch would be refused."""
    campaign, found = given.store.read(lambda tx: rehearsal.shown_version(tx, campaign_id, version))
    facts = given.estimates.facts(campaign_id, compiled(found))
    made = given.store.read(lambda tx: rehearsal.estimated(tx, campaign_id, version, facts))
    return estimate_view(campaign_id, campaign.version, made)
