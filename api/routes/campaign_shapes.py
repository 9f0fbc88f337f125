"""Campaigns as the API shows them, and what may be asked of one."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from loyalty.campaign_request import AUDIENCE, WishedAudience
from loyalty.member_moves import Reason
from loyalty.records import Campaign, CampaignState


class CampaignView(BaseModel):
    """A campaign as it stands."""

    id: str
    name: str
    template: str
    state: CampaignState
    version: int
    created_at: datetime
    launched_at: datetime | None = None
    ended_at: datetime | None = None
    wake_at: datetime | None = Field(None, description="When it does something next")
    budget_points: int | None = Field(None, description="none = no limit")
    granted_points: int
    reserved_points: int = Field(description="What running journeys may still grant")

    @classmethod
    def of(cls, campaign: Campaign, **more: Any) -> Self:
        """The campaign as the domain has it, with what a fuller view says besides."""
        names = CampaignView.model_fields
        return cls.model_validate({**{n: getattr(campaign, n) for n in names}, **more})


class CampaignMade(CampaignView):
    replayed: bool


class LaunchRequestView(BaseModel):
    """A launch that one person asked for and another approves or declines."""

    version: int
    state: Literal["waiting", "declined"]
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = Field(None, description="Why it was declined")


class AsRead(BaseModel):
    """Which version of the draft was read: if it was changed since, nothing is done."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1}]})
    version: int = Field(
        ge=1, le=2**31 - 1, strict=True, description="As drafting, revising and reading answer it"
    )


class Declining(AsRead):
    """And why: it stays in the audit trail beside your key. No names or addresses of members."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 1, "reason": "Not before the holiday"}]}
    )
    reason: Reason


class LaunchAnswer(CampaignView):
    """The campaign after the act: launched, or a draft that waits for a second person."""

    launch_request: LaunchRequestView | None = None


class CampaignReport(LaunchAnswer):
    """With the values it runs with, and its figures so far."""

    values: dict[str, Any] = {}
    report: dict[str, Any] = Field(
        description="Evaluated, held out, enrolled, how runs ended, points, messages, claims"
    )


class Revision(BaseModel):
    """What a campaign shall do from now on, said whole: what is not named is as in the template
    that the campaign was drafted from.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"values": {"welcome_points": 600}, "budget_points": 300000}]
        },
    )
    values: dict[str, Any] = Field(default_factory=dict, max_length=100)
    audience: WishedAudience = AUDIENCE
    holdout_percent: int | None = Field(None, ge=0, le=50, strict=True)
    budget_points: int | None = Field(None, ge=0, le=10**15, strict=True)
    version: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        strict=True,
        description="The one that was read: if there is another by now, nothing is done",
    )
    state: CampaignState | None = Field(
        None,
        description="The one that was read: if a draft was launched since, nothing is done",
    )
    newest_template: bool = Field(
        False,
        strict=True,
        description="Move the campaign to its template as it is now; otherwise a template that "
        "was changed since the campaign was drafted changes nothing here",
    )


class CampaignsView(BaseModel):
    campaigns: list[CampaignView]
    next: str | None = Field(None, description="`after` of the next page; none = the end")
