"""Which days are holidays somewhere, lunar festivals and moved days off included."""

from datetime import date
from functools import lru_cache
from typing import Any

_YEARS_KEPT = 64


def is_holiday(day: date, country: str, names: tuple[str, ...]) -> bool:
    """Whether `day` is a public holiday there; with names, one whose name holds any of them."""
    said = _of_year(country, day.year).get(day)
    if said is None:
        return False
    return not names or any(name.casefold() in said for name in names)


@lru_cache(maxsize=_YEARS_KEPT)
def names_in(country: str, year: int) -> tuple[str, ...]:
    """Every holiday's name that year, in English and in the country's own language."""
    return tuple(
        sorted(
            {
                name
                for calendar in _calendars(country, year)
                for said in calendar.values()
                for name in said.split("; ")
            }
        )
    )


def has_calendar(country: str) -> bool:
    try:
        return bool(_calendars(country, 2026))
    except NotImplementedError:
        return False


def no_calendar(country: str) -> str:
    """What is said of a country that `has_calendar` does not know."""
    return f"No calendar of holidays is known for {country!r}."


@lru_cache(maxsize=_YEARS_KEPT)
def _of_year(country: str, year: int) -> dict[date, str]:
    said: dict[date, str] = {}
    for calendar in _calendars(country, year):
        for day, name in calendar.items():
            said[day] = f"{said.get(day, '')}\n{name.casefold()}"
    return said


def _calendars(country: str, year: int) -> list[Any]:
    # A third of a second to import, so only where a rule names a holiday.
    from holidays import country_holidays

    plain = country_holidays(country)
    # Always asked for by name: without one the machine's own language would decide.
    spoken: list[str | None] = [*{plain.default_language, "en_US"} & {*plain.supported_languages}]
    return [country_holidays(country, years=year, language=each) for each in spoken or [None]]
