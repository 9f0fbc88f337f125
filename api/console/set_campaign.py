"""Set: a campaign's values, audience, dates and limits; saved as a draft or the next version."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.audience_form import ABOUTS, CHANNELS, OPS, PURPOSES, audience_in, changed
from api.console.forms import Form, at, form_of
from api.console.rendering import go, page
from api.console.sessions import person
from api.console.set_form import blank, filled, proposals, read, sections
from api.console.set_refusals import refusals
from api.keys import Caller
from api.services import Given, Services
from loyalty import campaigns
from loyalty.admission import compiled
from loyalty.audiences.condition import condition_of
from loyalty.audiences.preview import AudienceSize
from loyalty.errors import Invalid, LoyaltyError, Unknown
from loyalty.journeys.picture import picture_of_template
from loyalty.records import Campaign
from loyalty.templates import Template

router = APIRouter()
Writer = Annotated[Caller, person("change_campaigns")]
Name = Annotated[str, Query(max_length=64)]


@router.get("/campaigns/new")
def begin(request: Request, given: Given, caller: Writer, template: Name = "") -> Response:
    if not template:
        return go(request, "/console/gallery")
    found = _template(given, template)
    now = given.clock.now().astimezone(given.programme.tz)
    ids = proposals(found, now)
    free = given.store.read(lambda tx: next((id for id in ids if not tx.campaigns.get(id)), ""))
    return _show(request, given, found, blank(found, request.state.speech.language, now, free))


@router.post("/campaigns/new")
async def save(request: Request, given: Given, caller: Writer, template: Name = "") -> Response:
    form = await form_of(request)

    def work() -> Response:
        found = _template(given, template or str(at(form, "template")))
        return _act(request, given, found, form, caller)

    return await run_in_threadpool(work)


@router.get("/campaigns/{id}/edit")
def edit(request: Request, id: str, given: Given, caller: Writer) -> Response:
    campaign, found, form = _campaign(given, id)
    return _show(request, given, found, form, campaign=campaign)


@router.post("/campaigns/{id}/edit")
async def revise(request: Request, id: str, given: Given, caller: Writer) -> Response:
    form = await form_of(request)

    def work() -> Response:
        campaign, found, _ = _campaign(given, id)
        whole = {**form, "id": campaign.id, "name": campaign.name}
        return _act(request, given, found, whole, caller, campaign)

    return await run_in_threadpool(work)


@router.post("/audiences/builder")
async def build(request: Request, given: Given, caller: Writer) -> Response:
    """The builder's rows after one of its buttons, and the count of what they say."""
    form = await form_of(request)

    def work() -> Response:
        act = str(at(form, "act"))
        again = changed(form, act)
        size, errors = _size(request, given, again)
        # A row that has just been added is not wrong yet.
        shown = errors if act == "count" else {}
        facts = {"form": again, "errors": shown, "size": size, "loads": False, **_builder(given)}
        return page(request, "_audience.html", 200, **facts)

    return await run_in_threadpool(work)


@router.post("/audiences/count")
async def count(request: Request, given: Given, caller: Writer) -> Response:
    """The figures alone, while somebody types."""
    form = await form_of(request)

    def work() -> Response:
        size, _ = _size(request, given, form)
        return page(request, "_audience_size.html", 200, size=size, asked=True)

    return await run_in_threadpool(work)


def _act(
    request: Request,
    given: Services,
    template: Template,
    form: Form,
    caller: Caller,
    campaign: Campaign | None = None,
) -> Response:
    """What a button of the form asks for: another row, a count, or to be saved."""
    act = str(at(form, "act", "save"))
    if act != "save":
        again = changed(form, act)
        return _show(request, given, template, again, campaign=campaign)
    speech = request.state.speech
    asked = read(form, template, given.programme, speech)
    if asked.request is None:
        return _show(request, given, template, form, 422, asked.errors, campaign)
    wished = asked.request
    do = campaigns.draft if campaign is None else campaigns.revise
    try:
        made = given.store.run(lambda tx: do(tx, template, wished, caller.actor, given.check_texts))
    except LoyaltyError as error:
        errors = refusals(error, template, speech)
        return _show(request, given, template, form, 422, errors, campaign)
    said = (
        speech.gettext("The draft is saved. Nobody meets it until it is launched.")
        if made.state == "draft"
        else speech.gettext(
            "Version %(n)s is saved. Who enters from now on gets it.", n=made.version
        )
    )
    return go(request, f"/console/campaigns/{made.id}", said)


def _show(
    request: Request,
    given: Services,
    template: Template,
    form: Form,
    status: int = 200,
    errors: dict[str, str] | None = None,
    campaign: Campaign | None = None,
) -> Response:
    counted = at(form, "act") == "count"
    size, wrong = _size(request, given, form) if counted else (None, {})
    said = wrong if errors is None else errors
    return page(
        request,
        "set.html",
        status,
        template=template,
        campaign=campaign,
        form=form,
        errors=said,
        sections=sections(template, request.state.speech.language),
        drawn=picture_of_template(template, given.programme),
        size=size,
        loads=size is None and not any(field.startswith("audience") for field in said),
        **_builder(given),
    )


def _builder(given: Services) -> dict[str, Any]:
    tiers = given.programme.tiers
    named = [*tiers.names, *tiers.paid_levels]
    return {
        "abouts": ABOUTS,
        "ops": OPS,
        "channels": CHANNELS,
        "purposes": PURPOSES,
        "tiers": list(dict.fromkeys(named)),
    }


def _size(
    request: Request, given: Services, form: Form
) -> tuple[AudienceSize | None, dict[str, str]]:
    """How many members fit now; none where what was typed cannot be counted yet."""
    audience, errors = audience_in(form, request.state.speech, given.programme.currency)
    if errors:
        return None, errors
    try:
        condition = condition_of(audience)
    except Invalid as error:
        return None, {str(each["field"]): str(each["message"]) for each in error.problems}
    return given.store.read(lambda tx: tx.members.audience_size(condition)), {}


def _template(given: Services, name: str) -> Template:
    found = given.templates().get(name)
    if found is None:
        raise Unknown("template", name)
    return found


def _campaign(given: Services, id: str) -> tuple[Campaign, Template, Form]:
    def look(tx: Any) -> Any:
        found = tx.campaigns.get(id)
        return found and (found, compiled(tx.campaigns.version(id, found.version)))

    there = given.store.read(look)
    if there is None:
        raise Unknown("campaign", id)
    campaign, rules = there
    template = _template(given, campaign.template)
    return campaign, template, filled(campaign, rules, template, given.programme)
