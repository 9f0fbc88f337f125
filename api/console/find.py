"""Find: one box for whatever somebody has at hand. What was typed never stands in an address."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.addresses import member_address
from api.console.forms import form_of
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given
from loyalty.finding import KINDS, LONGEST, sought

router = APIRouter()
Finder = Annotated[Caller, person("find")]


@router.get("/find")
def read_find(request: Request, services: Given, caller: Finder) -> Response:
    return page(request, "find.html", typed="", found=None, tried=())


@router.post("/find")
async def find(request: Request, services: Given, caller: Finder) -> Response:
    """One hit is opened at once; several are listed, kind by kind."""
    typed = str((await form_of(request)).get("q", "")).strip()[:LONGEST]
    if not typed:
        return go(request, "/console/find")
    asked = sought(typed, services.programme.phone_country)
    hits = await run_in_threadpool(services.reads.find, asked)
    if len(hits) == 1:
        return go(request, address_of(hits[0]))
    found = [(kind, [hit for hit in hits if hit["kind"] == kind]) for kind in KINDS]
    shown = [(kind, [(hit, address_of(hit)) for hit in some]) for kind, some in found if some]
    return page(request, "find.html", typed=typed, found=shown, tried=asked.tried)


def address_of(hit: Mapping[str, Any]) -> str:
    """The page that shows it; a claim and a receipt without points are on their member's."""
    id = quote(hit["id"], safe="/")
    member = member_address(hit["member_id"] or "")
    match hit["kind"]:
        case "member":
            return member
        case "campaign":
            return f"/console/campaigns/{id}"
        case "run":
            return f"/console/runs/{id}"
        case "transaction":
            return f"/console/transactions/{id}"
        case "receipt":
            key = hit["detail"]
            if key:
                return f"/console/transactions/{quote(key, safe='/')}"
            return f"{member}/purchases"
        case _:
            return f"{member}/holds"
