"""How figures and instants are written on pages: the filters `points`, `money`, `when` and others.

Instants are shown in the programme's zone. What is not there is a dash, so that a cell is never
mistaken for one that did not load.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from api.console.language import Speech
from loyalty.ports import Clock
from loyalty.programme import Programme
from loyalty.timing import TICK

NOTHING = "–"
_WHEN = {"en": ("d MMM, HH:mm", "d MMM y, HH:mm"), "zh": ("M月d日 HH:mm", "y年M月d日 HH:mm")}
_DAY = {"en": "d MMM y", "zh": "y年M月d日"}


class Figures:
    """The filters of one language; each method is one, under its own name."""

    def __init__(self, speech: Speech, programme: Programme, clock: Clock) -> None:
        self._speech = speech
        self._currency = programme.currency
        self._zone = ZoneInfo(programme.zone)
        self._clock = clock

    def number(self, value: Any) -> str:
        """1,234,567"""
        return NOTHING if value is None else _decimal(value, self._speech.locale)

    def points(self, value: Any) -> str:
        """1,234 points"""
        if value is None:
            return NOTHING
        n = self.number(value)
        return self._speech.ngettext("%(n)s point", "%(n)s points", abs(value), n=n)

    def money(self, minor: Any, currency: str = "") -> str:
        """Minor units as an amount of the programme's currency."""
        if minor is None:
            return NOTHING
        currency = currency or self._currency
        amount = minor / 10 ** get_currency_precision(currency)
        return format_currency(amount, currency, locale=self._speech.locale)

    def percent(self, share: Any, digits: int = 1) -> str:
        """0.125 as 12.5%"""
        if share is None:
            return NOTHING
        pattern = f"#,##0.{'#' * digits}%" if digits else "#,##0%"
        return format_percent(share, format=pattern, locale=self._speech.locale)

    def when(self, instant: datetime | None) -> str:
        """Date and time of day; the year only where it is another one."""
        if instant is None:
            return NOTHING
        local = instant.astimezone(self._zone)
        same_year = local.year == self._clock.now().astimezone(self._zone).year
        pattern = _WHEN[self._speech.language][0 if same_year else 1]
        return format_datetime(local, pattern, locale=self._speech.locale)

    def day(self, value: date | datetime | None) -> str:
        """A date alone."""
        if value is None:
            return NOTHING
        local = value.astimezone(self._zone) if isinstance(value, datetime) else value
        return format_date(local, _DAY[self._speech.language], self._speech.locale)

    def last_day(self, end: datetime | None) -> str:
        """The last date on which something that ends at an exclusive instant can still be used."""
        return self.day(end and end - TICK)

    def ago(self, instant: datetime | None) -> str:
        """How long ago, or in how long: `3 hours ago`, `in 2 days`."""
        if instant is None:
            return NOTHING
        length = instant - self._clock.now()
        if abs(length) < timedelta(seconds=1):
            return self._speech.gettext("just now")
        return format_timedelta(length, add_direction=True, locale=self._speech.locale)

    def iso(self, instant: datetime | None) -> str:
        """For `<time datetime>`."""
        if instant is None:
            return ""
        return instant.astimezone(self._zone).isoformat(timespec="minutes")


def filters(speech: Speech, programme: Programme, clock: Clock) -> Mapping[str, Callable[..., str]]:
    """The filters of one language, by name."""
    made = Figures(speech, programme, clock)
    named = (
        made.number, made.points, made.money, made.percent, made.when, made.day, made.last_day,
        made.ago, made.iso,
    )  # fmt: skip
    return {each.__name__: each for each in named}


@lru_cache(8192)  # a page of tables has hundreds of figures, most of them small and the same
def _decimal(value: Any, locale: str) -> str:
    return format_decimal(value, locale=locale)
