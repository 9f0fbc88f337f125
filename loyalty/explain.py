"""Why something happened to a member, or did not: each decision as one plain sentence.

The decision rows are the truth; nothing is judged again here. Only where no row exists yet does
`outlook` ask the questions of admission as they stand now, and writes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.admission import Entry, compiled, facts_of, refusal_of
from loyalty.errors import Unknown
from loyalty.explain_words import Words, words_of
from loyalty.journeys.compiled import Compiled, EnterOnEvent
from loyalty.journeys.machine import bucket
from loyalty.plain_conditions import plain_condition
from loyalty.points import BASIS
from loyalty.ports import Transaction
from loyalty.records import Campaign, Decision

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
        "way": decision.reason.partition(":")[2],
        "until": until,
        "to": words.to_inviter if inputs.get("to") == "inviter" else "",
        "channel": words.channels.get(inputs.get("channel", ""), ""),
        "observed": _observed(inputs, words),
        "tags": _tags(inputs),
        "goals": words.comma.join(f"{k} × {n}" for k, n in (inputs.get("goals") or {}).items()),
        "how": words.entering.get(inputs.get("enter", ""), "").format_map(fields),
    }
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


def _tags(inputs: Mapping[str, Any]) -> str:
    changes = [f"+{tag}" for tag in inputs.get("added", ())]
    changes += [f"-{tag}" for tag in inputs.get("removed", ())]
    return f" ({', '.join(changes)})" if changes else ""


# --- where nothing was decided yet --------------------------------------------------------------


def outlook(tx: Transaction, member_id: str, campaign_id: str) -> Decision:
    """What admission would say of the member now, as a decision that nobody took or wrote."""
    campaign = tx.campaigns.get(campaign_id)
    if campaign is None:
        raise Unknown("campaign", campaign_id)
    member = tx.members.get(member_id)
    if member is None:
        raise Unknown("member", member_id)
    version = tx.campaigns.version(campaign.id, campaign.version)
    rules = compiled(version)
    closed = _closed(campaign)
    if closed is not None:
        return _outlook(tx, campaign, member_id, closed, {"state": campaign.state})
    entry = Entry(key="outlook", since=tx.now)
    refusal = refusal_of(tx, campaign, rules, member, entry, facts_of(tx, member))
    if refusal is not None:
        found = _outlook(tx, campaign, member_id, refusal.reason, refusal.inputs, refusal.until)
    elif bucket(campaign.id, "holdout", member.id) < rules.holdout_bp:
        found = _outlook(tx, campaign, member_id, "holdout", {})
    else:
        found = _outlook(tx, campaign, member_id, "would_enter", _entering(rules))
    return found


def _closed(campaign: Campaign) -> str | None:
    if campaign.state == "draft":
        return "campaign_not_launched"
    return "campaign_over" if campaign.state in ("stopped", "finished") else None


def _entering(rules: Compiled) -> Mapping[str, Any]:
    if isinstance(rules.enter, EnterOnEvent):
        return {"enter": "event", "on": rules.enter.on}
    return {"enter": rules.enter.kind if rules.enter else "none"}


def _outlook(
    tx: Transaction,
    campaign: Campaign,
    member_id: str,
    reason: str,
    inputs: Mapping[str, Any],
    until: datetime | None = None,
) -> Decision:
    return Decision(
        key="",
        campaign_id=campaign.id,
        version=campaign.version,
        member_id=member_id,
        step_id="entry",
        verdict=OUTLOOK,
        reason=reason,
        at=tx.now,
        inputs=inputs,
        until=until,
    )
