"""The first page after signing in: what needs attention, for this role."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.health_words import PARTS, WHOLE
from api.console.rendering import page
from api.console.repair_words import TITLES
from api.console.sample import Filling, offered
from api.console.sessions import person
from api.health_overview import Overview, overview
from api.keys import Caller
from api.reads import View
from api.services import Given, Services
from loyalty.health import findings

router = APIRouter()
_NEARLY_BP = 8_000
"""From here on a budget is nearly used: a marketer has days, not hours, to decide."""
_MOST = 200


@router.get("")
async def read_home(
    request: Request, services: Given, caller: Annotated[Caller, person()]
) -> Response:
    health = await overview(services) if caller.may("read_health") else None
    return await run_in_threadpool(_home, request, services, caller, health)


def _home(
    request: Request, services: Services, caller: Caller, health: Overview | None
) -> Response:
    facts = _campaigns(services) if caller.may("read_campaigns") else {"campaigns": []}
    filling: Filling = request.app.state.filling
    return page(
        request, "home.html", **facts, filling=filling, offered=offered(services),
        repairs=_repairs(services) if caller.may("operate_runs") else None,
        unwell=findings(health.parts) if health else [], names=PARTS, whole=WHOLE,
    )  # fmt: skip


def _campaigns(services: Services) -> dict[str, Any]:
    """What is live, what waits to be launched, and whose budget is nearly used."""
    found: list[View] = []
    for state in ("launched", "paused", "draft"):
        found.extend(services.reads.campaigns(state=state, after="", limit=_MOST))
    counts = {
        state: sum(each["state"] == state for each in found)
        for state in ("launched", "paused", "draft")
    }
    nearly = [each for each in found if each["state"] == "launched" and nearly_used(each)]
    awaiting = services.reads.campaigns(state="draft", after="", limit=_MOST, awaiting=True)
    return {"campaigns": found, "counts": counts, "nearly": nearly, "awaiting": len(awaiting)}


def nearly_used(campaign: View) -> bool:
    """Whether less than a fifth of the budget is neither granted nor reserved."""
    budget = campaign["budget_points"]
    if not budget:
        return False
    used: int = campaign["granted_points"] + campaign["reserved_points"]
    return bool(used * 10_000 >= budget * _NEARLY_BP)


def _repairs(services: Services) -> dict[str, Any]:
    """The repair lists that show anything, and corrections that wait for a second person.

    What Temporal alone knows is left to the list itself: this page must not wait for it.
    """
    counts = services.reads.repairs.counts(services.programme.lateness)
    lists = [(name, title, counts[name]) for name, title in TITLES.items() if counts.get(name)]
    return {"lists": lists, "corrections": counts["adjustments"]}
