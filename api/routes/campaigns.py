"""Campaigns: from a template and a few values to something that runs, and can be held."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from api.errors import problems
from api.keys import Caller, needs
from api.recording import After, CampaignId, PageSize, recorded, twice
from api.routes.campaign_shapes import (
    AsRead,
    CampaignMade,
    CampaignReport,
    CampaignsView,
    CampaignView,
    LaunchAnswer,
    LaunchRequestView,
    Revision,
)
from api.routes.messages import ReasonBody
from api.services import Given
from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.errors import Unknown
from loyalty.ports import Transaction
from loyalty.records import Campaign, CampaignState, LaunchRequest
from loyalty.revising import revise

router = APIRouter(tags=["Campaigns"])


_WISHED = {"values", "audience", "holdout_percent", "budget_points"}
_MOVE = problems("unknown", "wrong_state", write=True)


@router.post(
    "/v1/campaigns",
    summary="Draft a campaign",
    status_code=201,
    responses=problems("unknown", "key_reused", write=True) | twice(CampaignMade, "Drafted now"),
)
def draft_campaign(
    body: CampaignRequest, given: Given, caller: Annotated[Caller, needs("change_campaigns")]
) -> JSONResponse:
    """Checks every value against the template and freezes the result as version 1.

    Nobody meets a draft: launch it when it is right. The same request again changes nothing.
    """
    template = given.template(body.template)

    def work(tx: Transaction) -> dict[str, Any]:
        replayed = tx.campaigns.get(body.id) is not None
        made = campaigns.draft(tx, template, body, caller.actor, given.check_texts)
        return CampaignMade.of(made, replayed=replayed).model_dump(mode="json")

    return recorded(given.store.run(work))


@router.get("/v1/campaigns", summary="List campaigns", responses=problems())
def list_campaigns(
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
    state: Annotated[CampaignState | None, Query()] = None,
    q: Annotated[str, Query(max_length=120, description="Stands in the id or the name")] = "",
    awaiting: Annotated[bool, Query(description="Only drafts that wait for approval")] = False,
    after: After = "",
    limit: PageSize = 50,
) -> CampaignsView:
    """By id."""
    rows = given.reads.campaigns(state=state, after=after, limit=limit, text=q, awaiting=awaiting)
    shown = [CampaignView.model_validate(dict(row)) for row in rows]
    return CampaignsView(campaigns=shown, next=shown[-1].id if len(shown) == limit else None)


@router.get(
    "/v1/campaigns/{campaign_id}",
    summary="Read a campaign and its report",
    responses=problems("unknown"),
)
def read_campaign(
    campaign_id: CampaignId, given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> CampaignReport:
    """Its state, its values, and what it has done so far."""
    found = given.reads.campaign_report(campaign_id)
    if found is None:
        raise Unknown("campaign", campaign_id)
    asked = given.store.read(lambda tx: tx.campaigns.launch_request(campaign_id))
    return CampaignReport.model_validate({**found, "launch_request": _asked(asked)})


@router.post(
    "/v1/campaigns/{campaign_id}/versions",
    summary="Change a campaign",
    responses=problems(
        "unknown", "wrong_state", "changed_meanwhile", "over_budget_rule", write=True
    ),
)
def revise_campaign(
    campaign_id: CampaignId,
    body: Revision,
    given: Given,
    caller: Annotated[Caller, needs("change_campaigns")],
) -> CampaignView:
    """Makes the next version of a draft or of a campaign that runs; the answer has its number.

    Whoever enters from now on gets it; who is under way keeps the version they entered with. The
    same values again change nothing. An exchange that was launched keeps its terms.
    """
    there = given.store.read(lambda tx: tx.campaigns.get(campaign_id))
    if there is None:
        raise Unknown("campaign", campaign_id)
    wished = CampaignRequest(
        id=there.id,
        name=there.name,
        template=there.template,
        **body.model_dump(include=_WISHED),
    )
    newest = given.template(there.template) if body.newest_template else None
    check = given.check_texts
    return _view(
        given,
        lambda tx: revise(
            tx,
            wished,
            caller.actor,
            check,
            version=body.version,
            state=body.state,
            move_to=newest,
        ),
    )


@router.post(
    "/v1/campaigns/{campaign_id}/launch",
    summary="Launch a draft",
    responses=problems(
        "unknown", "wrong_state", "changed_meanwhile", "over_budget_rule", write=True
    )
    | {202: {"model": LaunchAnswer, "description": "Awaiting approval by a second person"}},
)
def launch_campaign(
    campaign_id: CampaignId,
    body: AsRead,
    given: Given,
    response: Response,
    caller: Annotated[Caller, needs("change_campaigns")],
) -> LaunchAnswer:
    """From here on members enter, by event, by schedule or by API, as the template says.

    Where the programme wants two people, the answer is 202 and the draft waits: another person
    approves or declines it.
    """

    def work(tx: Transaction) -> LaunchAnswer:
        moved = campaigns.launch(tx, campaign_id, body.version, caller.actor)
        return LaunchAnswer.of(moved, launch_request=_request(tx, moved))

    answer = given.store.run(work)
    if answer.launch_request is not None:
        response.status_code = 202
    return answer


@router.post("/v1/campaigns/{campaign_id}/pause", summary="Pause a campaign", responses=_MOVE)
def pause_campaign(
    campaign_id: CampaignId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("hold_campaigns")],
) -> CampaignView:
    """Holds every run at its next step. Nobody is lost, and events still count."""
    return _view(given, lambda tx: campaigns.pause(tx, campaign_id, body.reason, caller.actor))


@router.post("/v1/campaigns/{campaign_id}/resume", summary="Resume a campaign", responses=_MOVE)
def resume_campaign(
    campaign_id: CampaignId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("hold_campaigns")],
) -> CampaignView:
    """Goes on; whoever was held is woken, at a pace."""
    return _view(given, lambda tx: campaigns.resume(tx, campaign_id, body.reason, caller.actor))


@router.post("/v1/campaigns/{campaign_id}/stop", summary="Stop a campaign", responses=_MOVE)
def stop_campaign(
    campaign_id: CampaignId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("hold_campaigns")],
) -> CampaignView:
    """Ends it for good, and every run in it. There is no way back."""
    return _view(given, lambda tx: campaigns.stop(tx, campaign_id, body.reason, caller.actor))


def _request(tx: Transaction, campaign: Campaign) -> LaunchRequestView | None:
    return _asked(tx.campaigns.launch_request(campaign.id)) if campaign.state == "draft" else None


def _asked(request: LaunchRequest | None) -> LaunchRequestView | None:
    return LaunchRequestView.model_validate(request, from_attributes=True) if request else None


def _view(given: Given, act: Callable[[Transaction], Campaign]) -> CampaignView:
    return CampaignView.of(given.store.run(act))
