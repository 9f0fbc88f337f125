"""Lengths and calendars: months that clamp, days that follow the clock on the wall.

A length is written ISO 8601 (`P30D`, `P1M`, `PT6H`). Days and months are calendar days and months
in a zone, so nine o'clock stays nine o'clock across a change of summer time; hours and below are
elapsed time. Source: rule 12.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

TICK = timedelta(microseconds=1)
"""The smallest step of time there is: just before an end, just after an act."""

_ISO = re.compile(
    r"^P(?=.)(?:(?P<y>\d+)Y)?(?:(?P<mo>\d+)M)?(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<mi>\d+)M)?(?:(?P<s>\d+)S)?)?$"
)
MAX_DAYS = 3660
"""No wait is longer than ten years: longer is a mistake in a template."""


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time: calendar months and days, then elapsed seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> "Length":
        """Read ISO 8601, or raise ValueError with an example of what is meant."""
        found = _ISO.match(text)
        if not found:
            raise ValueError(f"{text!r} is not a length such as P30D, P1M or PT6H")
        part = {k: int(v or 0) for k, v in found.groupdict().items()}
        length = cls(
            months=part["y"] * 12 + part["mo"],
            days=part["w"] * 7 + part["d"],
            seconds=part["h"] * 3600 + part["mi"] * 60 + part["s"],
        )
        if length.months * 31 + length.days + length.seconds / 86400 > MAX_DAYS:
            raise ValueError(f"{text!r} is longer than ten years")
        return length

    def __str__(self) -> str:
        date = (f"{self.months}M" if self.months else "") + (f"{self.days}D" if self.days else "")
        hours, rest = divmod(self.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        clock = "".join(f"{n}{u}" for n, u in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
        return "P" + date + (f"T{clock}" if clock else "") if date or clock else "PT0S"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from_text = core_schema.chain_schema(
            [
                core_schema.str_schema(),
                core_schema.no_info_plain_validator_function(cls.parse),
            ]
        )
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema(
                [core_schema.is_instance_schema(cls), from_text]
            ),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "duration", "examples": ["P30D"]}


def _shift_months(day: datetime, months: int) -> datetime:
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))


def shift(at: datetime, length: Length, zone: ZoneInfo, *, sign: int = 1) -> datetime:
    """The instant `length` after (`sign=1`) or before (`sign=-1`) `at`, by the wall in `zone`."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    moved = _shift_months(wall, sign * length.months) + timedelta(days=sign * length.days)
    # An instant whose wall time did not move keeps its own offset (fold) exactly.
    day = at if moved == wall else on_the_wall(moved, zone)
    return day.astimezone(UTC) + sign * timedelta(seconds=length.seconds)


def on_the_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive wall time; a time skipped by summer time moves on past the gap."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def start_of_month(at: datetime, zone: ZoneInfo, months: int = 0) -> datetime:
    """Midnight that opens the month of `at`, moved by whole months."""
    first = at.astimezone(zone).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None
    )
    return on_the_wall(_shift_months(first, months), zone)


def start_of_day(at: datetime, zone: ZoneInfo, days: int = 0) -> datetime:
    """Midnight that opens the day of `at`, moved by whole days."""
    midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return on_the_wall(midnight + timedelta(days=days), zone)


def next_time_of_day(at: datetime, of_day: time, zone: ZoneInfo) -> datetime:
    """The first instant at or after `at` when the wall in `zone` shows `of_day`."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    candidate = datetime.combine(wall.date(), of_day)
    if candidate < wall:
        candidate += timedelta(days=1)
    first = on_the_wall(candidate, zone)
    # In an hour that clocks show twice, the second showing may be the one still to come.
    return first if first >= at else on_the_wall(candidate.replace(fold=1), zone)
