"""A marketer's values, read against the template's parameters: each with its kind and bounds."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.conditions import MEMBER, BadCondition, check
from loyalty.errors import Invalid
from loyalty.near_miss import did_you_mean
from loyalty.templates import Parameter
from loyalty.timing import MAX_DAYS, Length
from loyalty.typed_numbers import typed_decimal

TEXT_MAX = 400
YEARS = (2000, 2199)
"""Dates of a campaign lie in these years: what is outside of them is a mistake or means "never"."""


@dataclass(frozen=True, slots=True)
class Percent:
    """A share, in basis points: 1,000 is 10 %."""

    bp: int


@dataclass(frozen=True, slots=True)
class Multiplier:
    """How many times, in basis points: 20,000 is double."""

    bp: int


class Refused(ValueError):
    """A value that does not fit, with the reason in words and what would fit."""

    def __init__(self, code: str, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter's value: as steps use it, as JSON (and messages) carry it."""

    typed: object
    plain: str | int | bool


def read_values(
    parameters: Mapping[str, Parameter],
    given: Mapping[str, Any],
    zone: ZoneInfo | None = None,
    *,
    examples: bool = False,
) -> dict[str, Value]:
    """Every parameter's value, the default where the marketer gave none.

    Raises Invalid with one problem per field. With `examples`, a parameter that has no default
    takes its example, for previews and for the check when a template is read.
    """
    problems: list[dict[str, Any]] = []
    values: dict[str, Value] = {}
    for name in given.keys() - parameters.keys():
        message = f"There is no parameter {name!r}." + did_you_mean(name, parameters)
        problems.append(_problem(name, "unknown_parameter", message, tuple(parameters)))
    for name, parameter in parameters.items():
        value = given.get(name, parameter.default)
        if value is None and examples:
            value = parameter.example
        try:
            values[name] = read_value(parameter, value, zone)
        except Refused as refused:
            problems.append(_problem(name, refused.code, refused.message, refused.allowed))
    if problems:
        raise Invalid("Some values do not fit the template.", problems)
    return values


def read_value(parameter: Parameter, value: Any, zone: ZoneInfo | None = None) -> Value:
    """One value against its parameter; raises Refused."""
    if value is None:
        raise Refused("missing", "A value is needed here.")
    if parameter.type == "datetime":
        return _datetime(value, zone)
    return _READERS[parameter.type](parameter, value)


def _problem(field: str, code: str, message: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    return {"field": field, "code": code, "message": message, "allowed": list(allowed)}


def bounds(parameter: Parameter) -> tuple[str, ...]:
    """The bounds in words: `from 0 to 5000`."""
    low = "" if parameter.min is None else f"from {parameter.min:g}"
    high = "" if parameter.max is None else f"to {parameter.max:.15g}"
    words = f"{low} {high}".strip()
    return (words,) if words else ()


def _within(parameter: Parameter, number: Decimal | int) -> None:
    low, high = parameter.min, parameter.max
    if low is not None and number < Decimal(str(low)):
        raise Refused("too_small", f"{number} is below {low:.15g}.", bounds(parameter))
    if high is not None and number > Decimal(str(high)):
        raise Refused("too_large", f"{number} is above {high:.15g}.", bounds(parameter))


def _whole(parameter: Parameter, value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,15}", text):
        raise Refused("not_whole", f"{value!r} is not a whole number.", bounds(parameter))
    number = int(text)
    if parameter.min is None and number < 0:
        raise Refused("too_small", f"{number} is below 0.", ("from 0",))
    _within(parameter, number)
    return number


def _count(parameter: Parameter, value: Any) -> Value:
    number = _whole(parameter, value)
    return Value(number, number)


def _days(parameter: Parameter, value: Any) -> Value:
    iso = re.fullmatch(r"P(\d{1,5})D", str(value))
    number = _whole(parameter, int(iso[1]) if iso else value)
    if number > MAX_DAYS:
        raise Refused("too_large", "No wait is longer than ten years.", bounds(parameter))
    return Value(Length(days=number), number)


def _decimal(parameter: Parameter, value: Any, sign: str) -> Decimal:
    number = typed_decimal(str(value).strip().removesuffix(sign))
    if number is None:
        raise Refused("not_a_number", f"{value!r} is not a number.", bounds(parameter))
    _within(parameter, number)
    return number


def _percent(parameter: Parameter, value: Any) -> Value:
    number = _decimal(parameter, value, "%")
    if not 0 <= number <= 100 or number * 100 % 1:
        raise Refused(
            "not_a_percentage",
            f"{value!r} is not a percentage.",
            bounds(parameter) or ("from 0 to 100, two decimals at most",),
        )
    return Value(Percent(int(number * 100)), f"{_trim(number)}%")


def _multiplier(parameter: Parameter, value: Any) -> Value:
    number = _decimal(parameter, value, "x")
    if not 1 < number <= 10 or number * 10_000 % 1:
        allowed = bounds(parameter) or ("above 1, to 10",)
        raise Refused("not_a_multiplier", f"{value!r} is not a multiplier.", allowed)
    return Value(Multiplier(int(number * 10_000)), _trim(number))


def _trim(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _datetime(value: Any, zone: ZoneInfo | None) -> Value:
    example = ("2027-03-08T10:00:00+08:00",)
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        message = f"{value!r} is not a date with a time."
        raise Refused("not_a_datetime", message, example) from None
    if not isinstance(value, datetime) and not re.search(r"\d[T ]\d\d:\d\d", str(value)):
        raise Refused("not_a_datetime", f"{value!r} has no time of day.", example)
    if at.tzinfo is None and zone is None:
        raise Refused("no_offset", f"{value!r} does not say in which zone.", example)
    first, last = YEARS
    if not first <= at.year <= last:
        message = f"The year {at.year} is out of bounds."
        raise Refused("out_of_bounds", message, (f"from {first} to {last}",))
    at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    return Value(at, at.isoformat().replace("+00:00", "Z"))


def _local_time(parameter: Parameter, value: Any) -> Value:
    text = str(value)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise Refused("not_a_time", f"{value!r} is not a time of day.", ("00:00 to 23:59",))
    return Value(text, text)


def _text(parameter: Parameter, value: Any) -> Value:
    longest = int(parameter.max) if parameter.max is not None else TEXT_MAX
    shortest = int(parameter.min) if parameter.min is not None else 1
    if not isinstance(value, str):
        raise Refused("not_a_text", f"{value!r} is not a text.")
    if not shortest <= len(value.strip()) or len(value) > longest:
        allowed = (f"{shortest} to {longest} characters",)
        raise Refused("wrong_length", f"The text has {len(value)} characters.", allowed)
    return Value(value, value)


def _sku(parameter: Parameter, value: Any) -> Value:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[\w.\-/]{1,64}", text):
        allowed = ("letters, digits and . - _ /, up to 64",)
        raise Refused("not_a_sku", f"{value!r} is not an item number.", allowed)
    return Value(text, text)


def _choice(parameter: Parameter, value: Any) -> Value:
    allowed = tuple(choice.value for choice in parameter.choices)
    if value not in allowed:
        message = f"{value!r} is not one of the choices." + did_you_mean(str(value), allowed)
        raise Refused("unknown_choice", message, allowed)
    return Value(value, str(value))


def _bool(parameter: Parameter, value: Any) -> Value:
    known = {"true": True, "false": False}.get(str(value).strip().lower())
    if known is None:
        raise Refused("not_a_yes_or_no", f"{value!r} is not a yes or no.", ("true", "false"))
    return Value(known, known)


def _condition(parameter: Parameter, value: Any) -> Value:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        check(text, MEMBER)
    except BadCondition as bad:
        message = f"{bad.reason} (character {bad.position})"
        raise Refused("bad_condition", message, bad.allowed) from None
    return Value(text, text)


_READERS: dict[str, Callable[[Parameter, Any], Value]] = {
    "points": _count,
    "days": _days,
    "count": _count,
    "money_minor": _count,
    "percent": _percent,
    "multiplier": _multiplier,
    "local_time": _local_time,
    "text": _text,
    "sku": _sku,
    "choice": _choice,
    "bool": _bool,
    "condition": _condition,
}
