"""Audiences: how many members a wish would reach, before anything is drafted."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.services import Given
from loyalty.audiences.condition import condition_of
from loyalty.audiences.preview import AudienceSize
from loyalty.campaign_request import AUDIENCE, WishedAudience
from loyalty.programme import Channel

router = APIRouter(tags=["Campaigns"])


class AudienceBody(BaseModel):
    """Whom to count: groups of rules, or a condition; none = every active member."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"audience": {"groups": [{"rules": [{"about": "tier", "tiers": ["gold"]}]}]}},
                {"audience": "member.points >= 1000"},
            ]
        },
    )
    audience: WishedAudience = AUDIENCE


class SampleView(BaseModel):
    id: str
    name: str | None = Field(None, description="The first letters only")
    tier: str


class AudienceView(BaseModel):
    """The audience as it is now; it changes as members act."""

    condition: str | None = Field(None, description="What admission asks of each; none = nothing")
    count: int = Field(description="Active members who fit")
    exact: bool = Field(description="false: estimated from some of the members")
    samples: list[SampleView] = Field(description="The first ten by id")
    reachable: dict[Channel, int] = Field(
        description="To how many a marketing message may go now: address, consent, stop list"
    )


@router.post(
    "/v1/audiences/preview",
    summary="Count an audience",
    responses=problems(write=True),
)
def preview_audience(
    body: AudienceBody, given: Given, caller: Annotated[Caller, needs("change_campaigns")]
) -> AudienceView:
    """Counts the members who fit now, shows ten, and says how many each channel reaches.

    Nothing is changed. A template narrows its campaign further where it has an audience of its own.
    """
    condition = condition_of(body.audience)
    size = given.store.read(lambda tx: tx.members.audience_size(condition))
    return view_of(condition, size)


def view_of(condition: str | None, size: AudienceSize) -> AudienceView:
    return AudienceView(
        condition=condition,
        count=size.count,
        exact=size.exact,
        samples=[SampleView(id=s.id, name=s.name, tier=s.tier) for s in size.samples],
        reachable=dict(size.reachable["marketing"]),
    )
