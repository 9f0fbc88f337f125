"""The HTTP API, put together: routes, edge, keys, problems and documentation."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from api import docs, health
from api.body_gate import BodyGate
from api.console.app import Door, create_console
from api.edge import Edge, Metrics
from api.errors import install
from api.keys import KeyGate, KeyRing
from api.problems import Problem
from api.refused_events import RefusedEvents
from api.routes import (
    adjustments,
    admissions,
    audiences,
    audit,
    campaign_drafts,
    campaign_outlook,
    campaigns,
    codec,
    earning_rules,
    event_shapes,
    events,
    exchanges,
    find,
    health_overview,
    inbox,
    ledger,
    member_lists,
    member_moves,
    members,
    messages,
    people,
    proofs,
    quotes,
    repairs,
    runs,
    stop_list,
    template_check,
    template_trial,
    template_versions,
    templates,
    tiers,
    till,
    watching,
)
from api.services import Services
from loyalty.events import MemberEvent

ROUTERS = (
    # Addresses are tried in this order: what tills and shops send all day comes first.
    events, till, quotes, exchanges,
    find, members, member_lists, member_moves, adjustments, tiers, stop_list, inbox, ledger, proofs,
    template_check, template_trial, template_versions, templates, earning_rules, audiences,
    campaigns, campaign_drafts, campaign_outlook, admissions,
    runs,
    watching, repairs, messages, people, health_overview, audit, codec,
)  # fmt: skip
_ABOUT = """
Milepost runs a member points programme. Your tills and apps report what members do; campaigns made
from templates turn it into journeys of points and messages; every decision can be explained.

**Keys.** Send `Authorization: Bearer mp_...` with every request under `/v1`. Each operation names
the roles that may call it; an admin may call all of them.

**Sending again is safe.** Whatever records something carries your own id. The same id with the same
body gets the first answer again, with 200 and `Idempotency-Replayed: true` instead of 201; the same
id with another body is refused with 409. So after a time-out: send it again.

**Problems.** Every refusal is `application/problem+json` with a stable `code`, a sentence that says
what to do, and a page at its `type` that explains it.

**Figures.** Points are whole numbers. Money is whole minor units. Instants are ISO 8601 with their
offset. Lists are paged: pass `next` of one page as `after` or `before` of the following one.
"""
_TAGS = {
    "Find": "Whatever somebody has at hand: an id, a phone, a receipt, a campaign's name.",
    "Members": "Who takes part, what they have, what they may be told.",
    "Events": "What happened: purchases, refunds, check-ins, reviews and the rest.",
    "Till": "What a cart would earn, and paying with points.",
    "Points": "Single movements of points, with their working.",
    "Proofs": "What a stranger checks the ledger's log with, without trusting us.",
    "Exchanges": "Limited offers: claim, then confirm or give back.",
    "Templates": "What a marketer may choose from, and write.",
    "Earning rules": "What purchases and acts earn: read, check, activate.",
    "Campaigns": "Draft, launch, hold, report, explain.",
    "Runs": "One member's way through one campaign: search, timeline, retry, skip, cancel.",
    "Repairs": "What needs a hand, and jobs that mend it at a pace.",
    "Messages": "What became of each message, and why.",
    "People": "Who signs in to the console, and as what.",
    "Audit": "Who did what, and why.",
    "Codec server": "For Temporal's own tools, when payloads are sealed.",
    "Health": "For whoever keeps Milepost running.",
}


class CodecCors(CORSMiddleware):
    """Pages of Temporal's web UI may ask the codec server, and nothing else of ours."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/codec/"):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def create_app(services: Services) -> FastAPI:
    """The application over these services; it opens nothing and closes nothing by itself."""
    app = FastAPI(
        title="Milepost",
        version=services.version,
        description=_ABOUT.strip(),
        openapi_tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        docs_url=None,
        openapi_url=None,  # served by docs.py, like any other page
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    install(app, services.weather, _methods_at)
    # As they were made: nothing is added to them, and included they would be made once more, with
    # the first request, and asked in a slower way with each.
    for each in (*ROUTERS, health, docs):
        app.router.routes.extend(each.router.routes)
    # FastAPI's own way to another schema: its method is replaced.
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    ring = KeyRing(services.keys, seconds=services.limits.key_cache_seconds)
    # The last one added is the outermost.
    app.add_middleware(Door, console=create_console(services))
    app.add_middleware(RefusedEvents, store=services.store)
    app.add_middleware(BodyGate, limits=services.limits)
    app.add_middleware(KeyGate, ring=ring, weather=services.weather)
    if services.codec_origins:
        app.add_middleware(
            CodecCors,
            allow_origins=services.codec_origins,
            allow_methods=["POST"],
            allow_headers=["authorization", "content-type", "x-namespace"],
        )
    app.add_middleware(
        Edge,
        metrics=Metrics(services.registry),
        limits=services.limits,
        new_id=services.new_id,
    )
    return app


def _methods_at(scope: Scope) -> set[str]:
    """The methods of the resource at this address; each of its routes knows only its own.

    An id that may hold slashes also matches what lies below it, so the first match says which
    resource is meant.
    """
    everywhere = [route for each in (*ROUTERS, health, docs) for route in each.router.routes]
    here = [
        route
        for route in everywhere
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE
    ]
    meant = [route for route in here if route.path_format == here[0].path_format]
    return {method for route in meant for method in route.methods or ()}


_UNREFERENCED = (
    Problem, event_shapes.Batch, MemberEvent, event_shapes.PurchaseItem, event_shapes.RefundItem,
)  # fmt: skip


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            tags=app.openapi_tags,
            routes=app.routes,
            separate_input_output_schemas=False,
        )
        _, definitions = models_json_schema(
            [(model, "validation") for model in _UNREFERENCED],
            ref_template="#/components/schemas/{model}",
        )
        shapes = schema["components"]["schemas"]
        for name, shape in definitions["$defs"].items():
            shapes.setdefault(name, shape)
        for name in ("HTTPValidationError", "ValidationError"):
            shapes.pop(name, None)
        app.openapi_schema = schema
    return app.openapi_schema
