"""The in-app inbox: what a member was told, as your app shows it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import After, LongId, MemberId, PageSize
from api.routes.members import found_member
from api.services import Given
from loyalty.errors import Unknown

router = APIRouter(tags=["Members"])


class InboxMessageView(BaseModel):
    key: str
    campaign_id: str | None = None
    subject: str | None = None
    body: str | None = None
    sent_at: datetime
    read_at: datetime | None = None


class InboxView(BaseModel):
    messages: list[InboxMessageView]
    next: str | None = Field(None, description="`after` of the next page; none = the end")


class ReadView(BaseModel):
    key: str
    read: bool


@router.get(
    "/v1/members/{member_id}/inbox", summary="Read the in-app inbox", responses=problems("unknown")
)
def read_inbox(
    member_id: MemberId,
    given: Given,
    caller: Annotated[Caller, needs("read_members")],
    after: After = "",
    limit: PageSize = 50,
) -> InboxView:
    """Messages as the member sees them in your app, newest first."""
    id = found_member(given, member_id)["id"]
    rows = given.reads.inbox_of(id, after=after, limit=limit)
    shown = [InboxMessageView.model_validate(dict(row)) for row in rows]
    return InboxView(messages=shown, next=shown[-1].key if len(shown) == limit else None)


@router.post(
    "/v1/members/{member_id}/inbox/{key:path}/read",
    summary="Mark a message as read",
    responses=problems("unknown"),
)
def mark_read(
    member_id: MemberId,
    key: LongId,
    given: Given,
    caller: Annotated[Caller, needs("change_members")],
) -> ReadView:
    """Reading twice changes nothing."""
    if not given.desk.mark_read(found_member(given, member_id)["id"], key):
        raise Unknown("message", key)
    return ReadView(key=key, read=True)
