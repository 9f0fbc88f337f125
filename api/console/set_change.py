"""A campaign is changed in the form it was drafted in, by somebody who read its present version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.audience_form import changed
from api.console.cookies import notice
from api.console.forms import Form, at, form_of, whole
from api.console.people import names
from api.console.rendering import go
from api.console.sessions import person
from api.console.set_campaign import show
from api.console.set_form import filled, read
from api.console.set_refusals import refusals
from api.keys import Caller
from api.services import Given, Services
from loyalty.admission import compiled
from loyalty.campaign_request import compile_request
from loyalty.comparison import Difference, compare
from loyalty.errors import ChangedMeanwhile, Invalid, LoyaltyError, Unknown
from loyalty.journeys.compiled import Compiled
from loyalty.ports import Transaction
from loyalty.records import Campaign, CampaignState
from loyalty.revising import may_change, revise
from loyalty.templates import Template

router = APIRouter()
Writer = Annotated[Caller, person("change_campaigns")]
NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Present:
    """A campaign as it is now, and the form's template: its own, or the newest once asked for."""

    campaign: Campaign
    rules: Compiled
    template: Template
    newest: Template | None  # none = the campaign is made of it, or it can be launched no more

    @property
    def moves(self) -> bool:
        return self.template is self.newest


@router.get("/campaigns/{id}/edit")
def edit(
    request: Request,
    id: str,
    given: Given,
    caller: Writer,
    template: Annotated[str, Query(max_length=16)] = "",
) -> Response:
    there = _present(given, id, template)
    if not may_change(there.campaign, there.rules):
        said = request.state.speech.gettext(
            "It cannot be changed any more: what was launched as an exchange keeps its terms, and "
            "what is over stays as it was."
        )
        answer = go(request, f"/console/campaigns/{id}")
        notice(request, answer, said, "bad")
        return answer
    form = filled(there.campaign, there.rules, there.template, given.programme)
    return _show(request, given, there, {**form, **_read(there)})


@router.post("/campaigns/{id}/edit")
async def save(request: Request, id: str, given: Given, caller: Writer) -> Response:
    form = await form_of(request)

    def work() -> Response:
        there = _present(given, id, str(at(form, "template")))
        typed = {**form, "id": there.campaign.id, "name": there.campaign.name}
        return _act(request, given, caller, there, typed)

    return await run_in_threadpool(work)


def _act(request: Request, given: Services, caller: Caller, there: Present, form: Form) -> Response:
    """What a button of the form asks for: another row, a count, or to be saved."""
    act = str(at(form, "act", "save"))
    if act != "save":
        return _show(request, given, there, changed(form, act))
    speech = request.state.speech
    asked = read(form, there.template, given.programme, speech)
    if asked.request is None:
        return _show(request, given, there, form, 422, asked.errors)
    wished, version, state = asked.request, whole(at(form, "version")), at(form, "state")
    move_to = there.newest if there.moves else None
    try:
        made = given.store.run(
            lambda tx: revise(
                tx,
                wished,
                caller.actor,
                given.check_texts,
                version=version if isinstance(version, int) else None,
                state=cast(CampaignState, state) if state in get_args(CampaignState) else None,
                move_to=move_to,
            )
        )
    except ChangedMeanwhile as error:
        now = _present(given, there.campaign.id, str(at(form, "template")))
        return _conflict(request, given, now, form, error)
    except LoyaltyError as error:
        errors = refusals(error, there.template, speech)
        return _show(request, given, there, form, 422, errors)
    if made.state == "draft":
        said = speech.gettext("The draft is saved. Nobody meets it until it is launched.")
    else:
        said = speech.gettext(
            "Version %(n)s is saved. Who enters from now on gets it.", n=made.version
        )
    return go(request, f"/console/campaigns/{made.id}", said)


def _conflict(
    request: Request, given: Services, there: Present, form: Form, error: ChangedMeanwhile
) -> Response:
    """Both: what the campaign has become, and what was typed here. Saved again, this is meant."""
    facts = error.facts
    theirs = {
        "who": names(given).get(facts["created_by"], facts["created_by"]),
        "version": facts["version"],
        "launched": at(form, "state") == "draft" and facts["state"] != "draft",
    }
    return _show(request, given, there, {**form, **_read(there)}, 409, theirs=theirs)


def _read(there: Present) -> Form:
    """What the form says was read, for the refusal of what was not."""
    return {
        "version": str(there.campaign.version),
        "state": there.campaign.state,
        "template": NEWEST if there.moves else "",
    }


def _show(
    request: Request,
    given: Services,
    there: Present,
    form: Form,
    status: int = 200,
    errors: dict[str, str] | None = None,
    theirs: dict[str, Any] | None = None,
) -> Response:
    compared = there.moves or theirs is not None
    return show(
        request,
        given,
        there.template,
        form,
        status,
        errors,
        campaign=there.campaign,
        theirs=theirs,
        moves=there.moves,
        newer=there.newest is not None and not there.moves,
        differences=_differences(request, given, there, form) if compared else None,
    )


def _differences(
    request: Request, given: Services, there: Present, form: Form
) -> Sequence[Difference] | None:
    """How what was typed differs from what the campaign is; none while it cannot be read."""
    asked = read(form, there.template, given.programme, request.state.speech)
    if asked.request is None:
        return None
    try:
        mine = compile_request(there.template, asked.request, given.programme, given.check_texts)
    except Invalid:
        return None
    return compare(there.rules, mine)


def _present(given: Services, id: str, wished: str) -> Present:
    """Raises Unknown."""

    def look(tx: Transaction) -> tuple[Campaign, Compiled, Template]:
        found = tx.campaigns.get(id)
        if found is None:
            raise Unknown("campaign", id)
        rules = compiled(tx.campaigns.version(id, found.version))
        return found, rules, tx.campaigns.kept_template(rules.template_hash)

    campaign, rules, kept = given.store.read(look)
    newest = given.templates().get(campaign.template)
    if newest is not None and newest.hash == kept.hash:
        newest = None
    shown = newest if newest is not None and wished == NEWEST else kept
    return Present(campaign, rules, shown, newest)
