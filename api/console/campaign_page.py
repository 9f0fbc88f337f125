"""Campaigns: the list of all, and the first page of each, with everything before a launch."""

from collections.abc import Callable
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.forms import Form, at, errors_of, form_of, whole
from api.console.launch_facts import audience_said, home_of, set_values
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.routes.campaign_drafts import Copy
from api.routes.messages import ReasonBody
from api.services import Given, Services
from loyalty import campaigns, drafts, launch_approval
from loyalty.errors import ChangedMeanwhile, LoyaltyError, Unknown
from loyalty.journeys.picture import picture
from loyalty.ports import Transaction
from loyalty.records import Campaign, CampaignState
from loyalty.revising import may_change

router = APIRouter()
Reader = Annotated[Caller, person("read_campaigns")]
Writer = Annotated[Caller, person("change_campaigns")]
Approver = Annotated[Caller, person("approve_launch")]
AWAITING = "awaiting"
"""Not a state but drafts whose launch a second person has to approve."""
STATES: tuple[CampaignState, ...] = get_args(CampaignState)
PAGE = 50


@router.get("/campaigns")
def list_campaigns(
    request: Request,
    given: Given,
    caller: Reader,
    state: Annotated[str, Query(max_length=16)] = "",
    q: Annotated[str, Query(max_length=120)] = "",
    after: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    chosen = state if state in STATES else None
    awaiting = state == AWAITING
    found = list(
        given.reads.campaigns(
            state=chosen, after=after, limit=PAGE, text=q.strip(), awaiting=awaiting
        )
    )
    titles = {name: each.title for name, each in given.templates().items()}
    return page(
        request,
        "campaigns.html",
        found=found,
        states=STATES,
        approvals=awaiting or given.programme.launch.second_person,
        state=AWAITING if awaiting else chosen or "",
        q=q.strip(),
        first=not after,
        later=found[-1]["id"] if len(found) == PAGE else None,
        titles=titles,
    )


@router.get("/campaigns/{campaign_id}")
def read_campaign(request: Request, campaign_id: str, given: Given, caller: Reader) -> Response:
    return _home(request, given, campaign_id)


@router.post("/campaigns/{campaign_id}/launch")
async def launch(request: Request, campaign_id: str, given: Given, caller: Writer) -> Response:
    read = _read_version(await form_of(request))
    _ = request.state.speech.gettext

    def said(campaign: Campaign) -> str:
        if campaign.state == "launched":
            return str(_("The campaign is launched."))
        return str(_("A second person is asked to approve the launch."))

    return await run_in_threadpool(
        _act,
        request,
        given,
        campaign_id,
        lambda tx: campaigns.launch(tx, campaign_id, read, caller.actor),
        said,
    )


@router.post("/campaigns/{campaign_id}/approve")
async def approve(request: Request, campaign_id: str, given: Given, caller: Approver) -> Response:
    read = _read_version(await form_of(request))
    said = request.state.speech.gettext("You approved the launch: the campaign is live.")

    return await run_in_threadpool(
        _act,
        request,
        given,
        campaign_id,
        lambda tx: launch_approval.approve(tx, campaign_id, read, caller.actor),
        lambda _: said,
    )


@router.post("/campaigns/{campaign_id}/decline")
async def decline(request: Request, campaign_id: str, given: Given, caller: Approver) -> Response:
    form = await form_of(request)
    said = request.state.speech.gettext("The launch is declined. The reason stands with the draft.")

    def work() -> Response:
        try:
            reason = ReasonBody.model_validate({"reason": form.get("reason", "")}).reason
        except ValidationError:
            _ = request.state.speech.gettext
            wrong = _("Give a reason: one line, without names or addresses of members.")
            return _home(request, given, campaign_id, 422, form, {"reason": wrong})
        return _act(
            request,
            given,
            campaign_id,
            lambda tx: launch_approval.decline(
                tx, campaign_id, _read_version(form), reason, caller.actor
            ),
            lambda _: said,
        )

    return await run_in_threadpool(work)


@router.post("/campaigns/{campaign_id}/discard")
def discard(request: Request, campaign_id: str, given: Given, caller: Writer) -> Response:
    try:
        given.store.run(lambda tx: drafts.discard(tx, campaign_id, caller.actor))
    except Unknown:
        raise
    except LoyaltyError as error:
        return _home(request, given, campaign_id, 409, None, errors_of(error))
    return go(request, "/console/campaigns", request.state.speech.gettext("The draft is gone."))


@router.post("/campaigns/{campaign_id}/duplicate")
async def duplicate(request: Request, campaign_id: str, given: Given, caller: Writer) -> Response:
    form = await form_of(request)

    def work() -> Response:
        try:
            copy = Copy.model_validate({name: form.get(name, "") for name in ("id", "name")})
            made, _ = given.store.run(
                lambda tx: drafts.duplicate(tx, campaign_id, copy.id, copy.name, caller.actor)
            )
        except Unknown:
            raise
        except (LoyaltyError, ValidationError) as error:
            return _home(request, given, campaign_id, 422, form, errors_of(error))
        said = request.state.speech.gettext("This is the copy: a draft that nobody meets yet.")
        return go(request, f"/console/campaigns/{made.id}", said)

    return await run_in_threadpool(work)


def _read_version(form: Form) -> int:
    """The version that the page showed on which somebody pressed; 0, which none has, for none."""
    number = whole(at(form, "version"))
    return number if isinstance(number, int) else 0


def _act(
    request: Request,
    given: Services,
    campaign_id: str,
    work: Callable[[Transaction], Any],
    said: Callable[[Any], str],
) -> Response:
    """Do it, and go to the page that shows it; what is refused is said there, with why."""
    try:
        done = given.store.run(work)
    except Unknown:
        raise
    except ChangedMeanwhile:
        _ = request.state.speech.gettext
        changed = _("It was changed since you read it, so nothing was done. It stands here anew.")
        return _home(request, given, campaign_id, 409, None, {"": changed})
    except LoyaltyError as error:
        return _home(request, given, campaign_id, 409, None, errors_of(error))
    return go(request, f"/console/campaigns/{campaign_id}", said(done))


def _home(
    request: Request,
    given: Services,
    campaign_id: str,
    status: int = 200,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    home = home_of(given, campaign_id)
    language = request.state.speech.language
    title = home.template.title
    return page(
        request,
        "campaign.html",
        status,
        back=f"/console/campaigns/{campaign_id}",
        home=home,
        c=home.campaign,
        changeable=may_change(home.campaign, home.rules),
        rules=home.rules,
        e=home.estimate,
        values=set_values(home.rules, home.template, language),
        audience=audience_said(home.rules, language),
        title=title,
        drawn=picture(home.rules, title, given.programme.tz),
        launch_rules=given.programme.launch,
        form=form or {},
        errors=errors or {},
    )
