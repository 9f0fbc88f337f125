"""Why did this member not get it: any member, any campaign, one answer and what led to it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.console.addresses import member_address
from api.console.forms import WHOLE, errors_of
from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.routes.admissions import explanation
from api.services import Given
from loyalty.errors import LoyaltyError

router = APIRouter()
OFFERED = 200
"""Campaigns that are proposed while one types."""
Id = Annotated[str, Query(max_length=64)]


@router.get("/why")
def read_why(
    request: Request,
    services: Given,
    caller: Annotated[Caller, person("explain")],
    member: Id = "",
    campaign: Id = "",
) -> Response:
    """Without both ids: the form alone. The campaigns it offers are some; any may be asked for."""
    answer, errors, status = None, {}, 200
    member, campaign = member.strip(), campaign.strip()
    if member and campaign:
        try:
            answer = explanation(services, member, campaign, request.state.speech.language)
        except LoyaltyError as error:
            errors, status = {WHOLE: errors_of(error)[WHOLE]}, 404
    return page(
        request, "why.html", status, form={"member": member, "campaign": campaign},
        errors=errors, answer=answer, member_page=member_address(member),
        campaigns=services.reads.campaigns(state=None, after="", limit=OFFERED),
    )  # fmt: skip
