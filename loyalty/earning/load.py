"""Reads a file of earning rules, YAML or JSON, and says all that is wrong in it and where."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.earning.check import misfits
from loyalty.earning.facts import instant
from loyalty.earning.rule_set import (
    Base,
    Cap,
    Holidays,
    Hours,
    Match,
    Rule,
    RuleSet,
    Step,
    Written,
    a_moment,
)
from loyalty.errors import Invalid
from loyalty.journeys.findings import Findings, unreadable
from loyalty.journeys.yaml_tree import Path, Unreadable, read_tree
from loyalty.templates import Problem, place_key

FILE = "earning-rules.yaml"
# Parts that are read by themselves first, so that a misspelt field is compared with their own.
# One that cannot be read gives way to a harmless one, so that nothing is told twice.
_PARTS: dict[str, Written] = {
    "base": Base(minor=1),
    "when": Match(),
    "hours": Hours(since="00:00", until="00:00"),
    "holidays": Holidays(),
}
_LISTS: dict[str, type[Written]] = {"steps": Step, "caps": Cap}


class BrokenRules(Invalid):
    """Earning rules that cannot be used; `problems` holds every one of them."""

    code = "invalid"

    def __init__(self, found: Sequence[Problem]) -> None:
        count = len(found)
        noun = "one problem" if count == 1 else f"{count} problems"
        lines = "".join(f"\n  {problem}" for problem in found)
        problems = [problem.model_dump(mode="json") for problem in found]
        super().__init__(f"The earning rules have {noun}:{lines}", problems)


def load_rules(text: str, event_types: Sequence[str], zone: ZoneInfo) -> RuleSet:
    """The rule set in a text; raises BrokenRules with every problem."""
    rule_set, problems = read_rules(text, event_types, zone)
    if rule_set is None:
        raise BrokenRules(problems)
    return rule_set


def read_rules(
    text: str, event_types: Sequence[str], zone: ZoneInfo, file: str = FILE
) -> tuple[RuleSet | None, list[Problem]]:
    """The rule set, or none, and what is wrong with it by file, line and field."""
    try:
        tree, places = read_tree(text)
    except Unreadable as error:
        return None, [unreadable(file, error)]
    found = Findings(file, {place_key(path): place for path, place in places.items()})
    rule_set = _read(tree, found, event_types, zone)
    problems = [_plain(problem) for problem in found.problems]
    return (None if problems else rule_set), problems


def _read(tree: Any, found: Findings, event_types: Sequence[str], zone: ZoneInfo) -> RuleSet | None:
    if not isinstance(tree, dict):
        found.add((), "model_type", "Fields are wanted here, such as `base` and `rules`.")
        return None
    if "version" in tree:
        found.add(("version",), "version", "Versions are counted on activation: leave this out.")
    written = {key: value for key, value in tree.items() if key != "version"}
    _known_campaigns(written, found)
    if isinstance(written.get("rules"), list):
        rules = [
            _rule(rule, ("rules", n), found, event_types, zone)
            for n, rule in enumerate(written["rules"])
        ]
        _each_once(rules, found)
        # By id, or the whole would complain of two again.
        written["rules"] = tuple({rule.id: rule for rule in rules if rule is not None}.values())
    return found.read(RuleSet, _parts(written, (), found), ())


def _parts(written: Mapping[str, Any], at: Path, found: Findings) -> dict[str, Any]:
    """The same with its parts read; one that cannot be read is noted."""
    read = dict(written)
    for name, value in written.items():
        place = (*at, name)
        if name in _PARTS and isinstance(value, dict):
            part = found.read(type(_PARTS[name]), _parts(value, place, found), place)
            read[name] = part if part is not None else _PARTS[name]
        elif name in _LISTS and isinstance(value, list):
            model = _LISTS[name]
            parts = [found.read(model, each, (*place, n)) for n, each in enumerate(value)]
            read[name] = [part for part in parts if part is not None]
    return read


def _rule(
    written: Any, at: Path, found: Findings, event_types: Sequence[str], zone: ZoneInfo
) -> Rule | None:
    if not isinstance(written, dict):
        found.add(at, "model_type", "A rule is a list of fields, beginning with `id`.")
        return None
    found.name_step(at, str(written.get("id", "")) or "?")
    rule = found.read(Rule, _parts(written, at, found), at)
    if rule is None:
        return None
    for each in misfits(rule, event_types, zone):
        found.add((*at, *each.path), each.code, each.message, each.allowed)
    return rule


def _known_campaigns(written: Mapping[str, Any], found: Findings) -> None:
    """A cap of a campaign that no rule belongs to would bound nothing."""
    caps, rules = written.get("campaign_caps"), written.get("rules")
    if not isinstance(caps, dict):
        return
    every = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    campaigns = sorted({str(rule["campaign"]) for rule in every if "campaign" in rule})
    for name in caps:
        if str(name) not in campaigns:
            found.unknown(("campaign_caps", str(name)), "campaign", name, campaigns)


def _each_once(rules: Iterable[Rule | None], found: Findings) -> None:
    seen: set[str] = set()
    for n, rule in enumerate(rules):
        if rule is not None and rule.id in seen:
            found.add(("rules", n, "id"), "twice", f"There are two rules {rule.id!r}.")
        seen.add(rule.id if rule else "")


def _plain(problem: Problem) -> Problem:
    """A model's own complaint as a sentence."""
    said = problem.message.removeprefix("Value error, ")
    if said == problem.message:
        return problem
    return problem.model_copy(update={"message": f"{said[0].upper()}{said[1:]}"})


def written_moment(text: str, zone: ZoneInfo) -> datetime:
    """A date, a wall time or an instant as somebody typed it; raises ValueError."""
    return instant(a_moment(text), zone).astimezone(UTC)
