"""A run's page: where it stands, what happened and why, what wakes it, and what it said."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api import runs
from api.console.cookies import notice
from api.console.forms import WHOLE, errors_of, form_of
from api.console.people import names
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.reads import View
from api.recording import LongId
from api.routes.messages import ReasonBody, message_text
from api.routes.runs import found_run
from api.services import Given, Services
from api.timeline import Moment, merge, next_of
from loyalty.admission import compiled
from loyalty.errors import LoyaltyError, Unknown
from loyalty.journeys.picture import picture
from loyalty.operate import Command, command
from loyalty.templates import Bilingual

router = APIRouter()
Reader = Annotated[Caller, person("read_runs")]
Operator = Annotated[Caller, person("operate_runs")]
TEXTS_MAX = 30
"""Messages of one run that are shown with their words; journeys send a few."""


@router.get("/runs/{id:path}")
async def read_run(
    request: Request, id: LongId, services: Given, caller: Reader, temporal: bool = False
) -> Response:
    """The database answers at once; Temporal's part is added when it is asked for.

    A script asks by itself, so that a Temporal that is away never holds up the page.
    """
    view = await run_in_threadpool(found_run, services, id)
    language, zone = request.state.speech.language, services.programme.tz
    known: runs.InTemporal | None = None
    moments: list[Moment] = []
    if temporal:
        known, moments = await runs.look(services.temporal, id, language)
        # Each step is a row before it is in a history.
        view = await run_in_threadpool(found_run, services, id)
    if view["commands"]:
        view = await run_in_threadpool(_named, services, view)
    facts: dict[str, Any] = {
        "run": view,
        "temporal": known,
        "moments": merge(view, moments, language, zone),
        "next": next_of(view, language, zone),
    }
    if "hx-request" in request.headers:
        return page(request, "_run_timeline.html", **facts)
    more = await run_in_threadpool(_more, services, view, caller)
    return page(request, "run.html", **facts, **more)


def _named(services: Services, view: View) -> View:
    """The same run; who lent it a hand is called by name."""
    called = names(services)
    commands = [
        {**each, "actor": called.get(each["actor"], each["actor"])} for each in view["commands"]
    ]
    return {**view, "commands": commands}


def _more(services: Services, view: Any, caller: Caller) -> dict[str, Any]:
    campaign, version = services.store.read(
        lambda tx: (
            tx.campaigns.get(view["campaign_id"]),
            tx.campaigns.version(view["campaign_id"], view["version"]),
        )
    )
    texts = {}
    if caller.may("read_messages"):
        texts = {m["key"]: message_text(services, m["key"]) for m in view["messages"][:TEXTS_MAX]}
    name = campaign.name if campaign else view["campaign_id"]
    drawn = picture(compiled(version), Bilingual(en=name, zh=name), services.programme.tz)
    position = view["position"]
    return {
        "campaign": campaign,
        "picture": drawn,
        "step": position.get("node") if view["state"] != "ended" else None,
        "texts": texts,
        "temporal_page": services.temporal_page(view["id"]),
    }


@router.post("/runs/{id:path}/retry")
async def retry(request: Request, id: LongId, services: Given, caller: Operator) -> Response:
    said = request.state.speech.gettext("The run was told to look again.")
    return await _act(request, services, id, "retry", caller, said)


@router.post("/runs/{id:path}/skip")
async def skip(request: Request, id: LongId, services: Given, caller: Operator) -> Response:
    said = request.state.speech.gettext("The run was told to end its wait.")
    return await _act(request, services, id, "skip", caller, said)


@router.post("/runs/{id:path}/cancel")
async def cancel(request: Request, id: LongId, services: Given, caller: Operator) -> Response:
    said = request.state.speech.gettext("The run was told to end.")
    return await _act(request, services, id, "cancel", caller, said)


async def _act(
    request: Request, services: Services, id: str, name: Command, caller: Caller, said: str
) -> Response:
    form = await form_of(request)
    address = f"/console/runs/{quote(id, safe='/')}"

    def refused(error: LoyaltyError | ValidationError) -> Response:
        found = errors_of(error)
        answer = go(request, address)
        notice(request, answer, found.get(WHOLE) or next(iter(found.values())), "bad")
        return answer

    def work() -> Response:
        try:
            body = ReasonBody(reason=str(form.get("reason", "")))
            services.store.run(lambda tx: command(tx, id, name, body.reason, caller.actor))
        except Unknown:
            raise
        except (LoyaltyError, ValidationError) as error:
            return refused(error)
        return go(request, address, said)

    return await run_in_threadpool(work)
