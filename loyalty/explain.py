"""Why something happened to a member, or did not: each decision as one plain sentence.

The decision rows are the truth; nothing is judged again here. What stands on no row is asked in
`outlook.py` and `why_not.py`, which put it in the same shape.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.explain_words import Words, words_of
from loyalty.members import NEVER_DAYS
from loyalty.plain_conditions import plain_condition
from loyalty.points import BASIS
from loyalty.records import Decision

UTC = ZoneInfo("UTC")
OUTLOOK = "outlook"
"""The verdict of a decision that was not taken: what would be, not what was."""


def sentence(decision: Decision, locale: str, zone: ZoneInfo = UTC) -> str:
    """The decision in the reader's language, instants as clocks in `zone` show them."""
    words = words_of(locale)
    said = _said(decision, words, zone)
    return words.outlook.format(sentence=said) if decision.verdict == OUTLOOK else said


def _said(decision: Decision, words: Words, zone: ZoneInfo) -> str:
    fields = _fields(decision, words, zone)
    inputs, reason = decision.inputs, decision.reason.partition(":")[0]
    if "channel" in inputs and decision.verdict in ("deferred", "skipped"):
        pattern = words.waits if decision.verdict == "deferred" else words.drops
        rule = words.rules.get(decision.reason, decision.reason)
        return pattern.format_map({**fields, "rule": rule})
    act = _act(decision)
    if act is not None and reason in words.because:
        return words.acts[act].format_map({**fields, "because": words.because[reason]})
    if reason == "not_in_audience" and inputs.get("failed"):
        reason = "outside_because"
    if reason == "entry_condition" and inputs.get("failed"):
        reason = "event_because"
    pattern = words.reasons.get(reason, words.unheard)
    return pattern.format_map(_Filled(fields))


def _act(decision: Decision) -> str | None:
    """Which effect a done decision speaks of, told by the figures it noted."""
    if decision.verdict != "done":
        return None
    marks = {
        "recipient": "grant",
        "multiplier_bp": "card",
        "coupon": "coupon",
        "added": "tag",
        "channel": "message",
    }
    return next((kind for mark, kind in marks.items() if mark in decision.inputs), None)


class _Filled(dict[str, str]):
    """Fields of a sentence; a figure that an older program did not note reads as a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


def _fields(decision: Decision, words: Words, zone: ZoneInfo) -> _Filled:
    inputs = decision.inputs
    until = _instant(decision.until, zone)
    fields = _Filled({name: _plain(value, zone) for name, value in inputs.items()})
    fields |= {
        "step": decision.step_id,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "way": _way(decision.reason.partition(":")[2], words),
        "until": until,
        "to": words.to_inviter if inputs.get("to") == "inviter" else "",
        "channel": words.channels.get(inputs.get("channel", ""), ""),
        "observed": _observed(inputs, words),
        "tags": _tags(inputs),
        "failed": _failed(inputs, words),
        "goals": words.comma.join(f"{k} × {n}" for k, n in (inputs.get("goals") or {}).items()),
        "missing": words.comma.join(
            words.missing.format(goal=goal, **figures)
            for goal, figures in (inputs.get("missing") or {}).items()
        ),
        "how": words.entering.get(inputs.get("enter", ""), "").format_map(fields),
    }
    if isinstance(inputs.get("offer_state"), str):
        fields["offer_state"] = words.offer_states.get(inputs["offer_state"], "")
    for name in ("audience", "where"):
        if isinstance(inputs.get(name), str):
            fields[name] = plain_condition(inputs[name], words.conditions)
    if "multiplier_bp" in inputs:
        fields["multiplier"] = f"{(Decimal(inputs['multiplier_bp']) / BASIS).normalize():f}"
    if _act(decision) in ("card", "coupon"):
        fields["until"] = words.until.format(until=until) if until else ""
    return fields


def _plain(value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, str) and value[:4].isdigit() and "T" in value:
        try:
            return _instant(datetime.fromisoformat(value), zone)
        except ValueError:
            return value
    return str(value)


def _instant(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}" if at else ""


def _way(way: str, words: Words) -> str:
    """A question's two ways as their answers; a draw's arms by their names."""
    return {"then": words.yes, "otherwise": words.no}.get(way, way)


def _observed(inputs: Mapping[str, Any], words: Words) -> str:
    if "purchases" not in inputs:
        return ""
    figures = {
        "days": inputs.get("days_since_purchase"),
        "purchases": inputs["purchases"],
        "points": inputs.get("points"),
    }
    pattern = words.observed if inputs["purchases"] else words.never_bought
    return pattern.format_map({k: "–" if v is None else v for k, v in figures.items()})


def _failed(inputs: Mapping[str, Any], words: Words) -> str:
    """Each part of a condition that does not hold, with the figures that were found instead."""
    return words.semicolon.join(_part(part, words) for part in inputs.get("failed") or ())


def _part(part: Mapping[str, Any], words: Words) -> str:
    rule = plain_condition(part["rule"], words.conditions)
    seen = words.comma.join(_value(name, v, words) for name, v in part["seen"].items())
    return words.failed.format(rule=rule, seen=seen) if seen else rule


def _value(name: str, value: Any, words: Words) -> str:
    fact = words.conditions.facts.get(name, name)
    if name == "member.days_since_purchase" and value >= NEVER_DAYS:
        return words.never
    if isinstance(value, bool):
        return words.fact.format(fact=fact, value=words.yes if value else words.no)
    if isinstance(value, Mapping):
        value = [f"{key}: {each}" for key, each in value.items()]
    if isinstance(value, list | tuple):
        return words.fact.format(fact=fact, value=words.comma.join(map(str, value)) or "–")
    figure = f"{value:,}" if isinstance(value, int) else str(value) or "–"
    return words.fact.format(fact=fact, value=figure)


def _tags(inputs: Mapping[str, Any]) -> str:
    changes = [f"+{tag}" for tag in inputs.get("added", ())]
    changes += [f"-{tag}" for tag in inputs.get("removed", ())]
    return f" ({', '.join(changes)})" if changes else ""
