"""The fields of the step language as they are written in YAML, one flat model per step.

Parameters are filled in already, so a length is ISO 8601 text or the value of a `days` parameter, a
multiplier a number or a `multiplier` parameter. What they mean is in `plan.py`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from loyalty.journeys.values import Multiplier, Percent, Refused, read_value
from loyalty.programme import Channel, Purpose
from loyalty.templates import Bilingual, Parameter
from loyalty.timing import Length


def _refuse(code: str, message: str, *allowed: str) -> PydanticCustomError:
    facts = {"code": code, "message": message, "allowed": allowed}
    return PydanticCustomError("written", "{message}", facts)


def _said(value: object) -> str:
    """A value in a sentence, also one that a parameter brought."""
    if isinstance(value, Length):
        return f"the length {value}"
    if isinstance(value, (Multiplier, Percent)):
        return f"a {type(value).__name__.lower()}"
    return "a list or fields" if isinstance(value, (dict, list)) else repr(value)


def _length(value: Any) -> Length:
    try:
        length = value if isinstance(value, Length) else Length.parse(value)
    except (ValueError, TypeError):
        reason = f"A length is wanted here, not {_said(value)}."
        raise _refuse("not_a_length", reason, "P30D, P1M, PT6H ...", "a days parameter") from None
    if length == Length():
        raise _refuse("not_a_length", "The length is zero.", "P1D or more")
    return length


def _length_or_none(value: Any) -> Length | None:
    zero = (Length(), None, "P0D", "PT0S")
    return None if value in zero else _length(value)


def whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            reason = f"A whole number is wanted here, not {_said(value)}."
            raise _refuse("not_whole", reason, f"from {low} to {high}")
        if not low <= value <= high:
            raise _refuse("out_of_bounds", f"{value} is out of bounds.", f"from {low} to {high}")
        return value

    return read


def _points_or_none(value: Any) -> int | None:
    return None if value is None else whole(0, 1_000_000_000)(value)


def _typed(kind: Any, wanted: type) -> Callable[[Any], Any]:
    """Reads what a parameter of this kind would accept; lets its value pass."""
    parameter = Parameter(type=kind, label=_NO_LABEL, help=_NO_LABEL)

    def read(value: Any) -> Any:
        if isinstance(value, wanted) and not isinstance(value, str):
            return value
        if isinstance(value, (Length, Multiplier, Percent, dict, list)):
            reason = f"A {kind.replace('_', ' ')} is wanted here, not {_said(value)}."
            raise _refuse(f"not_a_{kind}", reason)
        try:
            return read_value(parameter, value).typed
        except Refused as refused:
            raise _refuse(refused.code, refused.message, *refused.allowed) from None

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _refuse("not_a_text", f"A text is wanted here, not {_said(value)}.")
    return value


def read_condition(value: Any) -> str:
    """One condition, or a list of conditions that must all hold."""
    if isinstance(value, list) and value:
        return " && ".join(f"({_text(one)})" for one in value)
    return str(value).lower() if isinstance(value, bool) else _text(value)


_NO_LABEL = Bilingual(en="-", zh="-")
LengthIn = Annotated[Length, PlainValidator(_length)]
LengthOrNone = Annotated[Length | None, PlainValidator(_length_or_none)]
PointsIn = Annotated[int, PlainValidator(whole(0, 10_000_000))]
CountIn = Annotated[int, PlainValidator(whole(1, 1000))]
MultiplierIn = Annotated[Multiplier, PlainValidator(_typed("multiplier", Multiplier))]
PercentIn = Annotated[Percent, PlainValidator(_typed("percent", Percent))]
WholeOrNone = Annotated[int | None, PlainValidator(_points_or_none)]
DatetimeIn = Annotated[datetime, PlainValidator(_typed("datetime", datetime))]
TimeIn = Annotated[str, PlainValidator(_typed("local_time", str))]
TextIn = Annotated[str, PlainValidator(_text)]
ConditionIn = Annotated[str, PlainValidator(read_condition)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


class Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class GrantIn(Written):
    points: PointsIn
    to: Literal["member", "inviter"] = "member"
    expires_after: LengthIn | None = None


class CardIn(Written):
    multiplier: MultiplierIn
    lasts: LengthIn = Field(alias="for")


class CouponIn(Written):
    coupon: TextIn
    lasts: LengthIn = Field(alias="for")


class TagIn(Written):
    add: tuple[TextIn, ...] = ()
    remove: tuple[TextIn, ...] = ()


class NotifyIn(Written):
    message: TextIn
    channels: tuple[Channel, ...] = Field(("inbox",), min_length=1)
    purpose: Purpose = "marketing"
    to: Literal["member", "inviter"] = "member"


class MomentIn(Written):
    """Exactly one of `after`, `at`, `end_of`."""

    after: LengthIn | None = None
    at: DatetimeIn | None = None
    end_of: Literal["day", "month"] | None = None
    minus: LengthOrNone = None
    local_time: TimeIn | None = None


class GoalIn(Written):
    id: Name | None = None
    on: TextIn
    where: ConditionIn | None = None
    count: CountIn = 1
    once_per: Literal["day", "day_and_store"] | None = None
    reward: list[Any] = Field(default_factory=list)
    almost: Any = None
    undo: Literal["reverse", "keep"] = "reverse"


class AwaitIn(Written):
    """`within` (a length) or `until` (a moment) says when the wait ends."""

    goals: list[Any] = Field(min_length=1, max_length=10)
    need: Literal["all", "any"] = "all"
    within: LengthIn | None = None
    until: Any = None
    lateness: LengthOrNone = None
    settle: Literal["at_once", "at_deadline"] = "at_once"
    remind: list[Any] | dict[str, Any] = Field(default_factory=list)


class ReminderIn(Written):
    id: Name | None = None
    at: Any = None
    before_end: LengthIn | None = None
    message: TextIn
    channels: tuple[Channel, ...] = Field(("inbox",), min_length=1)
    purpose: Purpose = "marketing"


class ArmIn(Written):
    arm: Name
    weight: Annotated[int, PlainValidator(whole(1, 10_000))]
    steps: list[Any] = Field(default_factory=list)


class SuccessIn(Written):
    on: TextIn
    where: ConditionIn | None = None
    within: LengthIn
