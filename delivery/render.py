"""Messages as the member reads them: the marketer's text, filled in the member's language.

Texts are Jinja2 in a sandbox that knows only names, comparisons, `if` and a few filters
(`text_rules.py` refuses the rest before launch). Values are written by their type as the language
writes them: dates, points and money need no filter to look right. A name without a value fails
the message instead of sending a hole; `none` where a value may be missing prints as nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, get_currency_precision
from jinja2 import StrictUndefined, Template, Undefined, pass_context
from jinja2.exceptions import TemplateError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from loyalty.message_context import ALWAYS, CARD, OFFER, STEP, WAIT, WAIT_GOAL, nested

MAX_SOURCE = 20_000
"""Bytes of one text: ten printed pages."""
MAX_OUTPUT = 100_000
"""Characters of one rendered message: no honest text comes near."""
MAX_SUBJECT = 300
DATE_STYLES = ("short", "medium", "long", "full")
TYPES = {v.name: v.type for v in (*ALWAYS, *STEP, *CARD, *WAIT, *WAIT_GOAL, *OFFER)}


class CannotRender(Exception):
    """The text and its values do not make a message; trying again would not help."""


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str  # one line
    text: str


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment that reads as a day, or as a day and a time."""

    at: datetime
    minute: bool


@dataclass(frozen=True, slots=True)
class Money:
    minor: int
    currency: str


class Group:
    """The values under one name: exactly these, none of a dictionary's own attributes."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update({k: Group(v) if isinstance(v, dict) else v for k, v in fields.items()})


def render(
    text: Mapping[str, str], variables: Mapping[str, Any], locale: str, zone: ZoneInfo
) -> Rendered:
    """Fill subject and text with `variables` (by dotted name), dates as clocks in `zone` show.

    Raises CannotRender.
    """
    values = {
        **Group(nested(_typed(variables))).__dict__,
        "_locale": _known(locale),
        "_zone": zone,
    }
    subject = " ".join(fill(text["subject"], values).split())
    return Rendered(subject[:MAX_SUBJECT], fill(text["text"], values).strip())


def fill(source: str, values: Mapping[str, Any]) -> str:
    """One source with its values, or CannotRender; stops as soon as the output is too long."""
    parts: list[str] = []
    length = 0
    try:
        for part in _compiled(source).generate(values):
            length += len(part)
            if length > MAX_OUTPUT:
                raise CannotRender(f"the message is longer than {MAX_OUTPUT:,} characters")
            parts.append(part)
    except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise CannotRender(str(error)) from error
    return "".join(parts)


@lru_cache(maxsize=512)
def _compiled(source: str) -> Template:
    if len(source.encode()) > MAX_SOURCE:
        raise CannotRender(f"the text is longer than {MAX_SOURCE:,} bytes")
    return environment.from_string(source)


def _typed(variables: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as what they mean, by the table of names."""
    currency = str(variables.get("programme.currency", ""))
    return {name: _value(TYPES.get(name), value, currency) for name, value in variables.items()}


def _value(type: str | None, value: Any, currency: str) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):  # a campaign's own parameter says its type, see `shown()`
        return _value(value["type"], value["value"], currency)
    if type in ("date", "datetime"):
        return Instant(datetime.fromisoformat(value), minute=type == "datetime")
    if type == "money":
        return Money(value, currency)
    return value


def _known(locale: str) -> Locale:
    try:
        return Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


# --- how values read ----------------------------------------------------------------------------


@pass_context
def written(context: Context, value: Any) -> Any:
    """A value as the reader's language writes its type; every `{{ }}` passes through here."""
    if value is None:
        return ""
    if isinstance(value, Instant):
        day = date(context, value)
        return f"{day} {time(context, value)}" if value.minute else day
    if isinstance(value, Money):
        digits = get_currency_precision(value.currency)
        amount = Decimal(value.minor).scaleb(-digits)
        return format_currency(amount, value.currency, locale=context["_locale"])
    if isinstance(value, int) and not isinstance(value, bool):
        return points(context, value)
    return value


@pass_context
def points(context: Context, value: int) -> str:
    """A whole number with its thousands marks."""
    return format_decimal(value, locale=context["_locale"])


@pass_context
def date(context: Context, value: Instant | None, style: str = "long") -> str:
    """The day: March 8, 2027, or 2027年3月8日."""
    if value is None:
        return ""
    if style not in DATE_STYLES:
        raise ValueError(f"there is no date style {style!r}")
    local = _on_the_clock(context, value)
    return format_date(local, format=style, locale=context["_locale"])


@pass_context
def time(context: Context, value: Instant | None) -> str:
    """The time of day: 10:00 AM, or 10:00."""
    if value is None:
        return ""
    local = _on_the_clock(context, value)
    # One kind of space throughout: mail programs and terminals stumble over the narrow one.
    return format_time(local, format="short", locale=context["_locale"]).replace("\u202f", " ")


def _on_the_clock(context: Context, value: Any) -> datetime:
    if not isinstance(value, Instant):
        raise TypeError(f"{value!r} is not a date")
    zone: ZoneInfo = context["_zone"]
    return value.at.astimezone(zone)


def default(value: Any, instead: str) -> Any:
    """What to say where a value is missing or empty; zero is a value."""
    return instead if value is None or value == "" or isinstance(value, Undefined) else value


environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    finalize=written,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # plain text throughout; nothing here is ever put into a page unescaped
    cache_size=0,
)
environment.globals.clear()
environment.tests.clear()
environment.filters = {
    "points": points,
    "date": date,
    "time": time,
    "default": default,
    "upper": lambda value: str(value).upper(),
    "lower": lambda value: str(value).lower(),
    "trim": lambda value: str(value).strip(),
}
