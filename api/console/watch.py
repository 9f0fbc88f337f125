"""Watching a campaign: figures that move by themselves, and the three acts that hold it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.forms import Form, errors_of, form_of
from api.console.rendering import go, page
from api.console.sessions import person
from api.console.words import WORDS
from api.keys import Caller, still_let_in
from api.lookout import OVER
from api.routes.messages import ReasonBody
from api.routes.watching import figures_of, report
from api.services import Given, Services
from loyalty import campaigns
from loyalty.admission import compiled
from loyalty.errors import LoyaltyError, Unknown
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.picture import picture
from loyalty.journeys.picture_labels import Labels
from loyalty.templates import LOCALES, Bilingual

router = APIRouter()
Watcher = Annotated[Caller, person("read_campaigns")]
Holder = Annotated[Caller, person("hold_campaigns")]
SECTIONS = ("state", "tiles", "lift", "funnel", "points", "messages", "withheld")
"""Parts of the page that change on their own; only what changed is sent."""
_ACTS = {"pause": campaigns.pause, "resume": campaigns.resume, "stop": campaigns.stop}
Shown = Annotated[int | None, Query(ge=1, le=1_000_000)]


@router.get("/campaigns/{id}/watch")
def watch(
    request: Request, id: str, services: Given, caller: Watcher, version: Shown = None
) -> Response:
    return _page(request, services, id, version)


@router.get("/campaigns/{id}/live")
def live(
    request: Request, id: str, services: Given, caller: Watcher, version: Shown = None
) -> Response:
    """The page's own feed: sections as HTML, for whoever is signed in."""
    figures = figures_of(services, id)
    if _over(figures):
        return Response(status_code=204)  # tells the browser to connect no more
    services.lookout.make_room()
    return EventSourceResponse(_sections(request, services, id, version))


async def _sections(
    request: Request, services: Services, id: str, version: int | None
) -> AsyncIterator[bytes]:
    sent: dict[str, bytes] = {}
    over = False
    async with aclosing(services.lookout.follow(services, id, still_let_in(request))) as followed:
        async for figures in followed:
            if figures is None:
                yield format_sse_event(comment="still here")
                continue
            over = _over(figures)
            facts = await run_in_threadpool(_facts, services, figures, version)
            for section in SECTIONS:
                text = page(request, f"_watch_{section}.html", **facts).body
                if sent.get(section) != bytes(text):
                    sent[section] = bytes(text)
                    yield format_sse_event(event=section, data_str=bytes(text).decode())
    if over:  # said, so that the page does not take the end for a lost connection
        yield format_sse_event(event="over", data_str="over")


@router.get("/campaigns/{id}/report.xlsx")
def take_away(request: Request, id: str, services: Given, caller: Watcher) -> Response:
    language = request.state.speech.language
    return report(figures_of(services, id), language, services.programme.zone)


@router.post("/campaigns/{id}/watch/{act}")
async def hold(request: Request, id: str, act: str, services: Given, caller: Holder) -> Response:
    """Pause, resume or stop, with a reason."""
    if act not in _ACTS:
        raise Unknown("act", act)
    form = await form_of(request)
    try:
        reason = ReasonBody(reason=str(form.get("reason", ""))).reason
        await run_in_threadpool(
            services.store.run, lambda tx: _ACTS[act](tx, id, reason, caller.actor)
        )
    except Unknown:
        raise
    except ValidationError:
        _ = request.state.speech.gettext
        errors = {"reason": _("Give a reason: one line, without names or addresses of members.")}
    except LoyaltyError as error:
        errors = errors_of(error)
    else:
        return go(request, f"/console/campaigns/{id}/watch", _done(request, act))
    return await run_in_threadpool(_page, request, services, id, refused=Refusal(act, form, errors))


def _done(request: Request, act: str) -> str:
    _ = request.state.speech.gettext
    said: dict[str, str] = {
        "pause": _("The campaign is paused. Every run is held at its next step."),
        "resume": _("The campaign goes on. Whoever was held is woken, at a pace."),
        "stop": _("The campaign is stopped for good. Its runs end now, at a pace."),
    }
    return said[act]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act that was not done: what was typed, and what is wrong with it."""

    act: str
    form: Form
    errors: dict[str, str]


def _page(
    request: Request,
    services: Services,
    id: str,
    version: int | None = None,
    refused: Refusal | None = None,
) -> Response:
    figures = figures_of(services, id)
    return page(
        request,
        "watch.html",
        422 if refused else 200,
        back=f"/console/campaigns/{id}/watch",
        **_facts(services, figures, version),
        over=_over(figures),
        refused=refused or Refusal("", {}, {}),
    )


def _over(figures: Mapping[str, Any]) -> bool:
    return figures["state"] in OVER and not figures["live"]


def _facts(services: Services, figures: Mapping[str, Any], version: int | None) -> dict[str, Any]:
    """Everything the sections show: the figures, and one version's journey with counts on it."""
    numbers: list[int] = [each["version"] for each in figures["funnels"]]
    wanted: int = version if version in numbers else figures["version"]
    funnel = next(each for each in figures["funnels"] if each["version"] == wanted)
    found = services.store.read(lambda tx: tx.campaigns.version(figures["id"], wanted))
    rules = compiled(found)
    title = Bilingual(en=figures["name"], zh=figures["name"])
    drawn = picture(rules, title, services.programme.tz)
    return {
        "f": figures,
        "funnel": funnel,
        "versions": numbers,
        "drawn": drawn,
        "ways": {step["step"]: _ways(step) for step in funnel["steps"]},
        "goal": _goal(services, rules),
        "titles": {node.id: node.labels for node in drawn.nodes},
    }


def _ways(step: Mapping[str, Any]) -> list[tuple[str, int]]:
    """How many took which way; a wait's only goal says no more than that it was met."""
    places: dict[str, int] = step["places"]
    goals = [place for place in places if place not in WORDS["way"]]
    alone = step["kind"] == "await" and len(goals) == 1
    return [(place, count) for place, count in places.items() if not (alone and place in goals)]


def _goal(services: Services, rules: Compiled) -> dict[str, dict[str, str]]:
    """The campaign's goal in words, by language; nothing where it has none."""
    plan, zone = rules.plan, services.programme.tz
    if plan.goal is None or plan.goal_within is None:
        return {}
    labels = {locale: Labels(locale, zone, rules.messages) for locale in LOCALES}
    return {
        locale: {"what": each.goal(plan.goal), "within": each.length(plan.goal_within)}
        for locale, each in labels.items()
    }
