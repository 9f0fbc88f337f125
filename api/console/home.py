"""The first page after signing in: what needs attention, for this role."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given

router = APIRouter()


@router.get("")
def read_home(request: Request, services: Given, caller: Annotated[Caller, person()]) -> Response:
    live = []
    if caller.may("read_campaigns"):
        live = list(services.reads.campaigns(state="live", after="", limit=20))
    return page(request, "home.html", live=live)
