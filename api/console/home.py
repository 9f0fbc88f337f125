"""The first page after signing in: what needs attention, for this role."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from api.console.rendering import page
from api.console.sample import Filling, offered
from api.console.sessions import person
from api.keys import Caller
from api.reads import RunSearch, View
from api.services import Given, Services

router = APIRouter()
_NEARLY_BP = 8_000
"""From here on a budget is nearly used: a marketer has days, not hours, to decide."""
_MOST = 200


@router.get("")
def read_home(request: Request, services: Given, caller: Annotated[Caller, person()]) -> Response:
    facts = _campaigns(services) if caller.may("read_campaigns") else {"campaigns": []}
    filling: Filling = request.app.state.filling
    return page(
        request, "home.html", **facts, filling=filling, offered=offered(services),
        stuck=_stuck(services) if caller.may("operate_runs") else None,
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
    return {"campaigns": found, "counts": counts, "nearly": nearly}


def nearly_used(campaign: View) -> bool:
    """Whether less than a fifth of the budget is neither granted nor reserved."""
    budget = campaign["budget_points"]
    if not budget:
        return False
    used: int = campaign["granted_points"] + campaign["reserved_points"]
    return bool(used * 10_000 >= budget * _NEARLY_BP)


def _stuck(services: Services) -> int:
    """Runs whose wake-up is long past, counted up to fifty."""
    return len(services.reads.search_runs(RunSearch(stuck=True, limit=50)))
