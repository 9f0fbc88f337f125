"""Whom it is for: the builder's rows and what they count, while somebody types."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.audience_form import ABOUTS, CHANNELS, OPS, PURPOSES, audience_in, changed
from api.console.forms import Form, at, form_of
from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given, Services
from loyalty.audiences.condition import condition_of
from loyalty.audiences.preview import AudienceSize
from loyalty.errors import Invalid

router = APIRouter()
Writer = Annotated[Caller, person("change_campaigns")]


@router.post("/audiences/builder")
async def build(request: Request, given: Given, caller: Writer) -> Response:
    """The builder's rows after one of its buttons, and the count of what they say."""
    form = await form_of(request)

    def work() -> Response:
        act = str(at(form, "act"))
        again = changed(form, act)
        size, errors = size_of(request, given, again)
        # A row that has just been added is not wrong yet.
        shown = errors if act == "count" else {}
        facts = {"form": again, "errors": shown, "size": size, "loads": False, **builder(given)}
        return page(request, "_audience.html", 200, **facts)

    return await run_in_threadpool(work)


@router.post("/audiences/count")
async def count(request: Request, given: Given, caller: Writer) -> Response:
    """The figures alone, while somebody types."""
    form = await form_of(request)

    def work() -> Response:
        size, _ = size_of(request, given, form)
        return page(request, "_audience_size.html", 200, size=size, asked=True)

    return await run_in_threadpool(work)


def builder(given: Services) -> dict[str, Any]:
    tiers = given.programme.tiers
    named = [*tiers.names, *tiers.paid_levels]
    return {
        "abouts": ABOUTS,
        "ops": OPS,
        "channels": CHANNELS,
        "purposes": PURPOSES,
        "tiers": list(dict.fromkeys(named)),
    }


def size_of(
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
