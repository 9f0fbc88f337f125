"""The stop list: members who are never told anything, whatever their consents say."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import MemberId
from api.routes.members import MemberView, found_member
from api.routes.messages import ReasonBody
from api.services import Given
from loyalty.wishes import stop_list

router = APIRouter(tags=["Members"])


class StopListBody(ReasonBody):
    """On the stop list or off it, and why: it stays in the audit trail beside your key."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"stop_listed": True, "reason": "Asked for it by phone"}]},
    )
    stop_listed: bool = Field(strict=True)


@router.put(
    "/v1/members/{member_id}/stop-list",
    summary="Put a member on the stop list, or take them off",
    responses=problems("unknown", "wrong_state", write=True),
)
def put_stop_list(
    member_id: MemberId,
    body: StopListBody,
    given: Given,
    caller: Annotated[Caller, needs("stop_list")],
) -> MemberView:
    """Takes effect at once, also for messages that are already waiting to be sent.

    Journeys and points go on; the consents stay as they are and count again once off the list.
    """

    given.store.run(
        lambda tx: stop_list(tx, member_id, body.stop_listed, caller.actor, body.reason)
    )
    return MemberView.model_validate(found_member(given, member_id))
