"""Why did this member not get it: any member, any campaign, one answer and what led to it."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from api.console.addresses import member_address
from api.console.forms import WHOLE, errors_of
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.reads import View
from api.routes.admissions import explanation
from api.services import Given
from loyalty.errors import LoyaltyError, Unknown

router = APIRouter()
OFFERED = 200
"""Campaigns that are proposed while one types, and those of a name on one page."""
Id = Annotated[str, Query(max_length=64)]
Typed = Annotated[str, Query(max_length=120, description="An id, or a part of the name")]


@router.get("/why")
def read_why(
    request: Request,
    services: Given,
    caller: Annotated[Caller, person("explain")],
    member: Id = "",
    campaign: Typed = "",
    after: Id = "",
) -> Response:
    """Without both: the form alone. The campaigns it offers are some; any may be asked for.

    Where no campaign has that id, those with the text in their name are there to choose from.
    """
    answer, errors, status = None, {}, 200
    named: Sequence[View] = ()
    member, campaign = member.strip(), campaign.strip()
    if member and campaign:
        try:
            answer = explanation(services, member, campaign, request.state.speech.language)
        except LoyaltyError as error:
            if isinstance(error, Unknown) and error.facts["kind"] == "campaign":
                named = services.reads.campaigns(
                    state=None, text=campaign, after=after, limit=OFFERED
                )
            if len(named) == 1 and not after:
                found = urlencode({"member": member, "campaign": named[0]["id"]})
                return go(request, f"/console/why?{found}")
            if not named:
                errors, status = {WHOLE: errors_of(error)[WHOLE]}, 404
    return page(
        request, "why.html", status, form={"member": member, "campaign": campaign},
        errors=errors, answer=answer, member_page=member_address(member),
        campaigns=services.reads.campaigns(state=None, after="", limit=OFFERED),
        named=named, later=named[-1]["id"] if len(named) == OFFERED else None,
    )  # fmt: skip
