"""Drafts on their way to launch: copies, versions side by side, and the second person's word."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import CampaignId, recorded, twice
from api.routes.campaign_shapes import (
    AsRead,
    CampaignMade,
    CampaignView,
    Declining,
    LaunchRequestView,
)
from api.services import Given
from loyalty import drafts, launch_approval
from loyalty.admission import compiled
from loyalty.campaign_request import CampaignRequest
from loyalty.comparison import compare
from loyalty.errors import Unknown
from loyalty.ports import Transaction
from loyalty.records import Version

router = APIRouter(tags=["Campaigns"])

_ID = CampaignRequest.model_json_schema()["properties"]["id"]["pattern"]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="A version's number")]


class Copy(BaseModel):
    """What the copy is called."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"id": "welcome-2027", "name": "Welcome 2027"}]},
    )
    id: str = Field(pattern=_ID)
    name: str = Field(min_length=1, max_length=120)


class VersionLine(BaseModel):
    """One version of a campaign, with what was set in it."""

    version: int
    created_at: datetime
    created_by: str
    values: dict[str, Any]
    audience: str | None = Field(None, description="A condition over members; none = everybody")
    holdout_percent: float
    budget_points: int | None = None


class VersionLines(BaseModel):
    """Newest first."""

    versions: list[VersionLine]


class DifferenceView(BaseModel):
    """One thing said otherwise."""

    part: str = Field(description="values, audience, budget, steps, messages and so on")
    name: str
    before: Any = Field(description="none = it is not there")
    after: Any


class DifferencesView(BaseModel):
    before: int
    after: int
    differences: list[DifferenceView] = Field(description="Empty = the same campaign")


class Discarded(BaseModel):
    id: str
    discarded: bool = True


@router.post(
    "/v1/campaigns/{campaign_id}/duplicate",
    summary="Copy a campaign into a draft",
    status_code=201,
    responses=problems("unknown", "key_reused", write=True) | twice(CampaignMade, "Copied now"),
)
def duplicate_campaign(
    campaign_id: CampaignId,
    body: Copy,
    given: Given,
    caller: Annotated[Caller, needs("change_campaigns")],
) -> JSONResponse:
    """A draft that says what the present version says, texts and all. The same copy again changes
    nothing.
    """

    def work(tx: Transaction) -> dict[str, Any]:
        made, replayed = drafts.duplicate(tx, campaign_id, body.id, body.name, caller.actor)
        return CampaignMade.of(made, replayed=replayed).model_dump(mode="json")

    return recorded(given.store.run(work))


@router.post(
    "/v1/campaigns/{campaign_id}/discard",
    summary="Throw a draft away",
    responses=problems("unknown", "wrong_state", write=True),
)
def discard_draft(
    campaign_id: CampaignId, given: Given, caller: Annotated[Caller, needs("change_campaigns")]
) -> Discarded:
    """Nobody ever met it. Its id is not used again."""
    given.store.run(lambda tx: drafts.discard(tx, campaign_id, caller.actor))
    return Discarded(id=campaign_id)


@router.post(
    "/v1/campaigns/{campaign_id}/approve",
    summary="Approve a launch",
    responses=problems(
        "unknown",
        "wrong_state",
        "changed_meanwhile",
        "second_person_needed",
        "over_budget_rule",
        write=True,
    ),
)
def approve_launch(
    campaign_id: CampaignId,
    body: AsRead,
    given: Given,
    caller: Annotated[Caller, needs("approve_launch")],
) -> CampaignView:
    """Launches what another person asked for, exactly as it was asked for and as you read it."""
    return CampaignView.of(
        given.store.run(
            lambda tx: launch_approval.approve(tx, campaign_id, body.version, caller.actor)
        )
    )


@router.post(
    "/v1/campaigns/{campaign_id}/decline",
    summary="Decline a launch",
    responses=problems("unknown", "wrong_state", "changed_meanwhile", write=True),
)
def decline_launch(
    campaign_id: CampaignId,
    body: Declining,
    given: Given,
    caller: Annotated[Caller, needs("approve_launch")],
) -> LaunchRequestView:
    """The reason stands beside the draft. Whoever asked may take it back the same way."""
    declined = given.store.run(
        lambda tx: launch_approval.decline(tx, campaign_id, body.version, body.reason, caller.actor)
    )
    return LaunchRequestView.model_validate(declined, from_attributes=True)


@router.get(
    "/v1/campaigns/{campaign_id}/versions",
    summary="List a campaign's versions",
    responses=problems("unknown"),
)
def list_versions(
    campaign_id: CampaignId, given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> VersionLines:
    """Newest first, each with what was set in it."""

    def work(tx: Transaction) -> VersionLines:
        if tx.campaigns.get(campaign_id) is None:
            raise Unknown("campaign", campaign_id)
        return VersionLines(versions=[_line(each) for each in tx.campaigns.versions(campaign_id)])

    return given.store.read(work)


@router.get(
    "/v1/campaigns/{campaign_id}/versions/{before}/compare/{after}",
    summary="Compare two versions of a campaign",
    responses=problems("unknown"),
)
def compare_versions(
    campaign_id: CampaignId,
    before: Number,
    after: Number,
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
) -> DifferencesView:
    """What differs: values, audience, budget, steps, texts, by the names a marketer set them by."""

    def work(tx: Transaction) -> DifferencesView:
        pair = [compiled(tx.campaigns.version(campaign_id, number)) for number in (before, after)]
        found = [DifferenceView.model_validate(d, from_attributes=True) for d in compare(*pair)]
        return DifferencesView(before=before, after=after, differences=found)

    return given.store.read(work)


def _line(version: Version) -> VersionLine:
    rules = compiled(version)
    return VersionLine(
        version=version.version,
        created_at=version.created_at,
        created_by=version.created_by,
        values=rules.values,
        audience=rules.audience,
        holdout_percent=rules.holdout_bp / 100,
        budget_points=rules.budget_points,
    )
