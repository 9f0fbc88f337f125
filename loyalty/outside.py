"""Who is outside of a campaign's audience, and with which event nobody enters it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty.conditions import EVENT, MEMBER, Condition
from loyalty.failing import failing
from loyalty.journeys.goals import event_facts
from loyalty.records import InboxEvent


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    inputs: Mapping[str, Any]
    until: datetime | None = None


def outside(
    audience: str | None, where: str | None, facts: Mapping[str, object], event: InboxEvent | None
) -> Refusal | None:
    """Why a member, or the event that led them there, does not fit; none = both do."""
    if audience and not Condition(audience, MEMBER).fits(facts):
        failed = failing(audience, MEMBER, facts)
        said = {"audience": audience, **_said(facts), "failed": failed}
        return Refusal("not_in_audience", said)
    if event is not None and where:
        seen = {**facts, **event_facts(event)}
        if not Condition(where, EVENT).fits(seen):
            failed = failing(where, EVENT, seen)
            return Refusal("entry_condition", {"where": where, "failed": failed})
    return None


def _said(facts: Mapping[str, object]) -> dict[str, Any]:
    """The observed figures that an explanation may quote."""
    names = ("days_since_purchase", "purchases", "points", "tier", "expiring_points")
    return {name: facts[f"member.{name}"] for name in names}
