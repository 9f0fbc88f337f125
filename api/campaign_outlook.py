"""How a preview, a calendar and an estimate are told over HTTP."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from loyalty.estimate import Estimate
from loyalty.explain import sentence
from loyalty.message_preview import Shown
from loyalty.message_weight import Weight
from loyalty.programme import Channel, Purpose
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.calendar import Row
from loyalty.simulation.door import Door


class SmsView(BaseModel):
    """What the text would cost as SMS."""

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int
    left: int = Field(description="Units that the last segment still holds")
    because: str | None = Field(None, description="The first sign that makes it UCS-2")


class WeightView(BaseModel):
    """What a message weighs, in characters."""

    subject: int
    subject_limit: int = Field(description="60, or 30 where the subject is Chinese")
    subject_too_long: bool
    text: int
    sms: SmsView


class VerdictView(BaseModel):
    """What the contact gate would say today."""

    verdict: Literal["send", "defer", "drop"]
    reason: str
    until: datetime | None = None


class PlaceView(BaseModel):
    step: str
    channels: list[Channel]
    purpose: Purpose
    to: str


class MessageShown(BaseModel):
    """One message as the member would read it."""

    message: str
    locale: str = Field(description="The language it was found in")
    subject: str
    text: str
    problem: str | None = Field(None, description="Why there are no words")
    weight: WeightView
    places: list[PlaceView] = Field(description="The steps that send it")
    verdicts: dict[Channel, VerdictView]
    at: datetime | None = Field(None, description="When it would come, were it launched now")
    assumed: Assumption | None = Field(
        None, description="What the member does for it to come; none = no assumption leads to it"
    )
    examples: list[str] = Field(description="Names whose figures are only examples")
    empty: list[str] = Field(description="Names that this member has no value for")
    reader: str = Field(description="The member's id, or their inviter's")


class PreviewView(BaseModel):
    campaign_id: str
    version: int
    member_id: str
    sample: bool = Field(description="Whether the member does not exist")
    locale: str
    locales: list[str] = Field(description="Languages that there are texts in")
    messages: list[MessageShown]


class DoorView(BaseModel):
    """How the member would be met today."""

    verdict: Literal["admitted", "held_out", "not_admitted", "running"]
    reason: str | None = None
    as_if: bool = Field(description="The calendar goes on as if the member were let in")


class CalendarRow(BaseModel):
    """When, what, and because of what."""

    at: datetime
    kind: str
    step: str
    because: str
    verdict: str
    text: str
    figures: dict[str, Any]
    until: datetime | None = None


class CalendarView(BaseModel):
    """A member's next days in the campaign, if what is assumed happens."""

    campaign_id: str
    version: int
    member_id: str
    sample: bool
    assumed: Assumption
    start: datetime
    end: datetime
    door: DoorView
    cannot: list[str] = Field(description="Goals for which no act could be assumed")
    points: int = Field(description="What the campaign would give the member in these days")
    rows: list[CalendarRow]


class ReachView(BaseModel):
    channel: Channel
    purpose: Purpose
    members: int


class StackView(BaseModel):
    """The most that a purchase can earn, with the campaign's best card."""

    rate_bp: int
    multiplier_bp: int
    points_per_10000: int
    return_bp: int
    flat_points: int
    rules: list[str]


class WarningView(BaseModel):
    code: str
    figures: dict[str, Any]


class RefusalView(BaseModel):
    code: str
    detail: str
    facts: dict[str, Any]


class EstimateView(BaseModel):
    """What the campaign would do if it were launched now."""

    campaign_id: str
    version: int
    entering: str
    reached: int | None = Field(None, description="Members in one pass; none = cannot be known")
    exact: bool
    at_most: bool = Field(description="The condition on the event itself is not counted")
    per_days: int | None = Field(None, description="`reached` is what so many days brought before")
    held_out: int | None = None
    treated: int | None = None
    reachable: list[ReachView]
    points_per_member: int = Field(description="The dearest way through the journey")
    points_most: int | None = Field(
        None, description="Without what purchases earn by the campaign's card; none = no limit"
    )
    points_expected: int | None = Field(None, description="none = too few earlier runs to say")
    past_runs: int
    cost_most_minor: int | None = Field(None, description="Of `points_most`")
    cost_expected_minor: int | None = None
    budget_covers: int | None = Field(None, description="Members, each at most")
    redeemed_most: int = Field(description="Points an exchange can take in")
    card_multiplier_bp: int | None = Field(
        None, description="The best card it gives; no budget limits what purchases earn by it"
    )
    stack: StackView
    warnings: list[WarningView]
    refusal: RefusalView | None = Field(None, description="Why a launch would be refused now")


def message_view(shown: Shown) -> MessageShown:
    words = shown.words
    return MessageShown(
        message=shown.message,
        locale=words.locale,
        subject=words.subject,
        text=words.text,
        problem=words.problem,
        weight=_weight_view(shown.weight),
        places=[
            PlaceView(step=p.step_id, channels=list(p.channels), purpose=p.purpose, to=p.to)
            for p in shown.places
        ],
        verdicts={
            channel: VerdictView.model_validate(verdict, from_attributes=True)
            for channel, verdict in shown.verdicts.items()
        },
        at=shown.at,
        assumed=shown.assumed,
        examples=list(shown.examples),
        empty=list(shown.empty),
        reader=shown.reader,
    )


def _weight_view(weight: Weight) -> WeightView:
    return WeightView.model_validate(
        {**asdict(weight), "subject_too_long": weight.subject_too_long}
    )


def door_view(door: Door) -> DoorView:
    reason = door.refusal.reason if door.refusal else None
    return DoorView.model_validate({"verdict": door.verdict, "reason": reason, "as_if": door.as_if})


def row_view(row: Row, locale: str, zone: ZoneInfo) -> CalendarRow:
    text = sentence(row.decision, locale, zone) if row.decision else str(row.figures["type"])
    return CalendarRow(
        at=row.at,
        kind=row.kind,
        step=row.step_id,
        because=row.because,
        verdict=row.verdict,
        text=text,
        figures=_plain(row.figures),
        until=row.until,
    )


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in figures.items()
    }


def estimate_view(campaign_id: str, version: int, made: Estimate) -> EstimateView:
    return EstimateView.model_validate(
        {
            **_figures(made),
            "campaign_id": campaign_id,
            "version": version,
            "stack": made.stack.to_json(),
            "refusal": made.refusal
            and RefusalView.model_validate(made.refusal, from_attributes=True),
        }
    )


def _figures(made: Estimate) -> dict[str, Any]:
    plain = asdict(replace(made, refusal=None))
    return {name: list(each) if isinstance(each, tuple) else each for name, each in plain.items()}
