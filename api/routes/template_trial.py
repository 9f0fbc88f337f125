"""A template tried on one member: saved, or as it is being written."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.campaign_outlook import CalendarRow, DoorView, VerdictView, door_view, row_view
from api.errors import problems
from api.keys import Caller, needs
from api.problems import locale_of
from api.routes.template_shapes import FILES_EXAMPLE, Files, Name
from api.services import Given
from loyalty.registration import MEMBER_ID
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.calendar import rows
from loyalty.template_trial import Read, Trial, try_out
from loyalty.templates import BrokenTemplate, Template

router = APIRouter(tags=["Templates"])


class TrialAsked(BaseModel):
    """Which member, with which values, and what the member is assumed to do."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"assumed": {"kind": "everything"}}]}
    )
    member_id: str | None = Field(
        None, pattern=MEMBER_ID, description="none = a sample who does not exist"
    )
    values: dict[str, Any] = Field(
        default_factory=dict,
        max_length=100,
        description="Parameters; those left out are the template's defaults and examples",
    )
    assumed: Assumption = Assumption()


class TrialOfFiles(TrialAsked):
    """The same for a template that is being written."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"files": FILES_EXAMPLE, "assumed": {"kind": "everything"}}]
        },
    )
    files: Files


class MessageRead(BaseModel):
    """A message as it would be read, and what the contact gate would say at that instant."""

    at: datetime
    message: str
    channel: str
    member_id: str
    locale: str
    subject: str
    text: str
    problem: str | None = Field(None, description="Why there are no words")
    verdict: VerdictView


class TrialView(BaseModel):
    """The journey a member would have, if what is assumed happens."""

    member_id: str
    sample: bool = Field(description="Whether the member does not exist")
    assumed: Assumption
    start: datetime
    end: datetime
    door: DoorView
    cannot: list[str] = Field(description="Goals for which no act could be assumed")
    points: int = Field(description="What it would give the member in these days")
    rows: list[CalendarRow]
    messages: list[MessageRead]


@router.post(
    "/v1/templates/try",
    summary="Try a template being written",
    responses=problems("unknown", "wrong_state", "broken_template", write=True),
)
def try_files(
    body: TrialOfFiles,
    request: Request,
    given: Given,
    caller: Annotated[Caller, needs("explain")],
) -> TrialView:
    """What would happen to a member, step by step, for ninety days. Nothing is saved or sent."""
    template, found = given.read_texts(None, body.files)
    if template is None or found:
        raise BrokenTemplate(None, found)
    return trial(given, template, body, locale_of(request))


@router.post(
    "/v1/templates/{name}/try",
    summary="Try a template",
    responses=problems("unknown", "wrong_state", "broken_template", write=True),
)
def try_template(
    name: Name,
    body: TrialAsked,
    request: Request,
    given: Given,
    caller: Annotated[Caller, needs("explain")],
) -> TrialView:
    """The same for a template that can be launched."""
    return trial(given, given.template(name), body, locale_of(request))


def trial(given: Given, template: Template, asked: TrialAsked, locale: str) -> TrialView:
    """A template's trial as it is told; raises Invalid for values, Unknown for the member."""
    zone = given.programme.tz

    def work(tx: Any) -> Trial:
        return try_out(
            tx, template, asked.values, asked.member_id, asked.assumed, given.say, locale=locale
        )

    made = given.store.read(work)
    played = made.simulation
    return TrialView(
        member_id=made.member.id,
        sample=asked.member_id is None,
        assumed=asked.assumed,
        start=played.start,
        end=played.end,
        door=door_view(played.door),
        cannot=list(played.cannot),
        points=made.points,
        rows=[row_view(row, locale, zone) for row in rows(played)],
        messages=[_message(each) for each in made.messages],
    )


def _message(read: Read) -> MessageRead:
    said, words = read.said, read.words
    return MessageRead(
        at=said.at,
        message=said.new.message,
        channel=said.new.channel,
        member_id=said.new.member_id,
        locale=words.locale,
        subject=words.subject,
        text=words.text,
        problem=words.problem,
        verdict=VerdictView.model_validate(said.verdict, from_attributes=True),
    )
