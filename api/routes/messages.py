"""Messages as operators see them: what became of each, and why."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import LongId
from api.services import Given
from loyalty.errors import Unknown
from loyalty.member_moves import Reason

router = APIRouter(tags=["Messages"])


class ReasonBody(BaseModel):
    """Why: it stays in the audit trail beside your key. No names or addresses of members."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "Price was wrong in the shop"}]}
    )
    reason: Reason


class VerdictView(BaseModel):
    verdict: str
    reason: str
    at: datetime
    until: datetime | None = None


class MessageView(BaseModel):
    """One message by one channel, without its text or address."""

    key: str
    message: str
    channel: str
    purpose: str
    status: str = Field(description="queued deferred sending sent dropped failed unknown")
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None = None
    read_at: datetime | None = None
    attempts: int = 0
    last_error: str | None = None
    verdicts: list[VerdictView] = []


class MessagesView(BaseModel):
    messages: list[MessageView]


class ResentView(BaseModel):
    key: str
    status: str


@router.get("/v1/messages", summary="List the messages of a run", responses=problems("unknown"))
def list_messages(
    given: Given,
    caller: Annotated[Caller, needs("read_messages")],
    run: Annotated[str, Query(min_length=1, max_length=255, description="The run's id")],
) -> MessagesView:
    """Oldest first, with every verdict of the contact gate."""
    rows = given.reads.messages_of_run(run)
    if not rows and given.reads.run(run) is None:
        raise Unknown("run", run)
    return MessagesView(messages=[MessageView.model_validate(dict(row)) for row in rows])


class MessageText(BaseModel):
    """What a message says."""

    key: str
    source: Literal["sent", "now", "none"] = Field(
        description="sent: as it went out. now: as it would go out. none: nothing can be shown"
    )
    locale: str
    subject: str | None = None
    text: str | None = None
    problem: str | None = Field(None, description="Why there is no text")


@router.get("/v1/messages/{key:path}/text", summary="Read a message", responses=problems("unknown"))
def read_message_text(
    key: LongId, given: Given, caller: Annotated[Caller, needs("read_messages")]
) -> MessageText:
    """As its member got it; one that was not sent yet is filled in by the renderer that sends."""
    return message_text(given, key)


def message_text(given: Given, key: str) -> MessageText:
    """What a message says; raises Unknown."""
    found = given.reads.message_text(key)
    if found is None:
        raise Unknown("message", key)
    named = {"key": key, "locale": found["locale"]}
    if found["body"] is not None:
        return MessageText(source="sent", subject=found["subject"], text=found["body"], **named)
    if found["status"] == "sent":
        return MessageText(source="none", problem="It was cleared with its member.", **named)
    if given.say is None or not found["texts"]:
        return MessageText(source="none", **named)
    words = given.say(found["texts"], found["message"], found["locale"], found["variables"])
    if words.problem is not None:
        return MessageText(source="none", problem=words.problem, **named)
    return MessageText(
        key=key, source="now", locale=words.locale, subject=words.subject, text=words.text
    )


@router.post(
    "/v1/messages/{key:path}/resend",
    summary="Send a message of unknown fate again",
    responses=problems("unknown", "wrong_state", write=True),
)
def resend_message(
    key: LongId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("resend")],
) -> ResentView:
    """For messages whose sender went away between sending and noting it.

    The member may get it twice: that is why a person decides.
    """
    return ResentView.model_validate(
        dict(given.desk.resend(key, actor=caller.actor, reason=body.reason))
    )
