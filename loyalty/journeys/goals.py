"""How far a member is towards a goal, counted from the inbox.

One function serves intake, the entering of a wait, its wake-ups, its deadline and simulations, so
they can never disagree about what counts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.conditions import EVENT, Condition
from loyalty.journeys.machine import Position, Tally
from loyalty.journeys.plan import Await, Goal
from loyalty.records import InboxEvent
from loyalty.timing import TICK


def event_facts(event: InboxEvent) -> Mapping[str, object]:
    """What a condition may ask about an event; a purchase's amount is what was kept of it."""
    lines = event.body.get("lines") or []
    return {
        "event.type": event.type,
        "event.amount_minor": kept_minor(event),
        "event.store": event.store or "",
        "event.channel": event.channel or "",
        "event.categories": sorted({line["category"] for line in lines}),
        "event.skus": sorted({line["sku"] for line in lines}),
        "event.attributes": dict(event.body.get("attributes") or {}),
        "event.first_purchase": bool(event.answer.get("first_purchase")),
    }


def kept_minor(event: InboxEvent) -> int:
    """The net amount of a purchase that was not refunded; 0 for anything else."""
    return (event.amount_minor or 0) - event.refunded_minor


def counting(
    goal: Goal, events: Sequence[InboxEvent], member: Mapping[str, object], zone: ZoneInfo
) -> dict[object, InboxEvent]:
    """The acts that count for `goal`: of its type, fitting its condition, not refunded.

    With `once_per`, a day (and store) counts once however often the member came. `events` are of
    the wait's window already, in order of time.
    """
    condition = Condition(goal.where, EVENT) if goal.where else None
    counted: dict[object, InboxEvent] = {}
    for event in events:
        if event.type != goal.on or (event.amount_minor and kept_minor(event) <= 0):
            continue
        if condition and not condition.fits({**member, **event_facts(event)}):
            continue
        counted.setdefault(slot(goal, event, zone), event)
    return counted


def tally(
    goal: Goal, events: Sequence[InboxEvent], member: Mapping[str, object], zone: ZoneInfo
) -> Tally:
    """How many acts of `events` reach `goal`, and which reached it, not whatever came after it."""
    acts = list(counting(goal, events, member, zone).values())
    if not acts:
        return Tally(0)
    reached = acts[min(goal.count, len(acts)) - 1]
    return Tally(len(acts), reached.occurred_at, reached.seq)


def tallies(
    step: Await,
    position: Position,
    events: Sequence[InboxEvent],
    member: Mapping[str, object],
    zone: ZoneInfo,
) -> dict[str, Tally]:
    """Every goal of a wait; what was recorded after the wait closed does not count."""
    closes_at = position.closes_at
    in_time = [e for e in events if closes_at is None or e.recorded_at < closes_at]
    return {goal.id: tally(goal, in_time, member, zone) for goal in step.goals}


def slot(goal: Goal, event: InboxEvent, zone: ZoneInfo) -> object:
    """What an act counts as: acts of one slot count once."""
    if goal.once_per is None:
        return event.seq
    day = event.occurred_at.astimezone(zone).date()
    return day if goal.once_per == "day" else (day, event.store)


def follows(event: InboxEvent, after: datetime, begun_by: int) -> bool:
    """Whether an act of a window is none of those it begins after.

    `begun_by` is the act a microsecond later than `after`: it counts for nothing, nor does what
    was recorded before it without being later.
    """
    return event.seq > begun_by or (event.seq < begun_by and event.occurred_at > after + TICK)


def window(position: Position) -> tuple[datetime, datetime]:
    """After and before which instants a wait's acts must have happened."""
    assert position.until is not None
    return position.since, position.until
