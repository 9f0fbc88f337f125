"""Set: a campaign's values, audience, dates and limits; saved as a draft."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.audience_form import changed
from api.console.forms import Form, at, form_of
from api.console.rendering import go, page
from api.console.sessions import person
from api.console.set_audience import builder, size_of
from api.console.set_form import blank, proposals, read, sections
from api.console.set_refusals import refusals
from api.keys import Caller
from api.services import Given, Services
from loyalty import campaigns
from loyalty.errors import LoyaltyError
from loyalty.journeys.picture import picture_of_template
from loyalty.templates import Template

router = APIRouter()
Writer = Annotated[Caller, person("change_campaigns")]
Name = Annotated[str, Query(max_length=64)]


@router.get("/campaigns/new")
def begin(request: Request, given: Given, caller: Writer, template: Name = "") -> Response:
    if not template:
        return go(request, "/console/gallery")
    found = given.template(template)
    now = given.clock.now().astimezone(given.programme.tz)
    ids = proposals(found, now)
    free = given.store.read(lambda tx: next((id for id in ids if not tx.campaigns.get(id)), ""))
    return show(request, given, found, blank(found, request.state.speech.language, now, free))


@router.post("/campaigns/new")
async def save(request: Request, given: Given, caller: Writer, template: Name = "") -> Response:
    form = await form_of(request)

    def work() -> Response:
        found = given.template(template or str(at(form, "template")))
        return _act(request, given, found, form, caller)

    return await run_in_threadpool(work)


def _act(
    request: Request, given: Services, template: Template, form: Form, caller: Caller
) -> Response:
    """What a button of the form asks for: another row, a count, or to be saved."""
    act = str(at(form, "act", "save"))
    if act != "save":
        return show(request, given, template, changed(form, act))
    speech = request.state.speech
    asked = read(form, template, given.programme, speech)
    if asked.request is None:
        return show(request, given, template, form, 422, asked.errors)
    wished, check = asked.request, given.check_texts
    try:
        made = given.store.run(
            lambda tx: campaigns.draft(tx, template, wished, caller.actor, check)
        )
    except LoyaltyError as error:
        return show(request, given, template, form, 422, refusals(error, template, speech))
    said = speech.gettext("The draft is saved. Nobody meets it until it is launched.")
    return go(request, f"/console/campaigns/{made.id}", said)


def show(
    request: Request,
    given: Services,
    template: Template,
    form: Form,
    status: int = 200,
    errors: dict[str, str] | None = None,
    **of_a_change: Any,
) -> Response:
    """The form with all that was typed; a campaign that is changed has more to say."""
    counted = at(form, "act") == "count"
    size, wrong = size_of(request, given, form) if counted else (None, {})
    said = wrong if errors is None else errors
    changes = {"campaign": None, "theirs": None, "moves": False, "newer": False}
    return page(
        request,
        "set.html",
        status,
        template=template,
        form=form,
        errors=said,
        unsaved=request.method == "POST",  # saved, it leads to another page
        sections=sections(template, request.state.speech.language),
        drawn=picture_of_template(template, given.programme),
        size=size,
        loads=size is None and not any(field.startswith("audience") for field in said),
        **{**changes, **of_a_change},
        **builder(given),
    )
