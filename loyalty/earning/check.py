"""What stands in a rule and can never be meant, though it reads well.

Told of a file with line and field, and of the programme's own rules when a process starts.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from loyalty.conditions import BadCondition, check
from loyalty.earning.facts import CONDITIONS, instant
from loyalty.earning.holidays import has_calendar, names_in, no_calendar
from loyalty.earning.rule_set import Holidays, Rule
from loyalty.near_miss import did_you_mean
from loyalty.tiers.settings import TIER_NAME
from loyalty.written_forms import in_words

_YEARS = (2025, 2026, 2027)  # names of moved days differ from year to year


@dataclass(frozen=True, slots=True)
class Misfit:
    """A field of a rule, by its path in it, and what is wrong with what it says."""

    path: tuple[str | int, ...]
    code: str
    message: str
    allowed: tuple[str, ...] = ()


def misfits(rule: Rule, event_types: Sequence[str], zone: ZoneInfo) -> Iterator[Misfit]:
    """Events, holidays, conditions and names of tiers that cannot be, and a window of nothing.

    A tier that is not on the ladder may be the shop's own.
    """
    if rule.when.event not in (None, "purchase", *event_types):
        yield _unknown(("when", "event"), "event type", str(rule.when.event), event_types)
    for n, tier in enumerate(rule.when.tiers or ()):
        if not re.fullmatch(TIER_NAME, tier):
            message = f"No tier is called {tier!r}: {in_words(TIER_NAME)}."
            yield Misfit(("when", "tiers", n), "unknown_tier", message)
    if rule.when.condition is not None:
        try:
            check(rule.when.condition, CONDITIONS)
        except BadCondition as bad:
            message = f"{bad.reason} (character {bad.position} of: {bad.text})"
            yield Misfit(("when", "condition"), "bad_condition", message, tuple(bad.allowed))
    if rule.when.holidays:
        yield from _holidays(rule.when.holidays)
    if rule.valid_from and rule.valid_until:
        starts, ends = instant(rule.valid_from, zone), instant(rule.valid_until, zone, end=True)
        if ends <= starts:
            yield Misfit(("valid_until",), "never", "The rule ends before it begins.")


def _holidays(days: Holidays) -> Iterator[Misfit]:
    place = ("when", "holidays")
    if not has_calendar(days.country):
        yield Misfit((*place, "country"), "unknown_country", no_calendar(days.country))
        return
    known = {name for year in _YEARS for name in names_in(days.country, year)}
    for n, name in enumerate(days.names):
        if not any(name.casefold() in each.casefold() for each in known):
            yield _unknown((*place, "names", n), "holiday", name, sorted(known))


def _unknown(path: tuple[str | int, ...], what: str, name: str, allowed: Iterable[str]) -> Misfit:
    allowed = tuple(allowed)
    message = f"There is no {what} {name!r}.{did_you_mean(name, allowed)}"
    return Misfit(path, "unknown_" + what.replace(" ", "_"), message, allowed)
