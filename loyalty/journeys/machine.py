"""What a journey does next: one pure function over plan, position and what is seen.

`advance()` names one move at a time. The turn that asked carries the move out and asks again, until
the answer is to sleep or to finish. Live journeys, previews and simulations all ask this function;
it reads no clock and changes nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from loyalty.journeys.plan import (
    Arm,
    Await,
    Branch,
    Effect,
    End,
    Goal,
    Model,
    Moment,
    Notify,
    Plan,
    Reminder,
    Split,
    Wait,
)
from loyalty.points import BASIS
from loyalty.timing import TICK, next_time_of_day, shift, start_of_day, start_of_month


class Position(Model):
    """Where a member stands in a plan. `node` none means past the last step."""

    node: str | None
    since: datetime  # acts after this instant are not yet accounted for
    # The act that ended the last wait, one microsecond after `since`: others of its instant count
    # if they were recorded after it. None = what opened the journey.
    since_seq: int | None = None
    entered_at: datetime | None = None  # inside a wait since
    until: datetime | None = None  # its deadline, exclusive
    closes_at: datetime | None = None  # deadline plus lateness
    reminded: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()  # goals met, their reward given and not taken back
    rewarded: dict[str, int] = Field(default_factory=dict)  # how often each reward was given


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a goal is: acts that count, and the last of them."""

    count: int
    last_at: datetime | None = None
    last_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """All that `advance` may know besides plan and position."""

    now: datetime
    zone: ZoneInfo
    member_id: str
    salt: str
    tallies: Mapping[str, Tally]
    answer: bool | None = None  # to the last `Ask`
    skip: bool = False  # an operator ends the present wait


@dataclass(frozen=True, slots=True)
class Do:
    """Carry out one effect under the key (enrolment, step, occurrence)."""

    step_id: str
    effect: Effect
    reason: str
    position: Position
    goal: Goal | None = None  # the goal it speaks of, when one is missing
    until: datetime | None = None  # when what it says of a wait is over, exclusive


@dataclass(frozen=True, slots=True)
class Reward:
    """A goal was reached: give all of its rewards."""

    step_id: str
    goal: Goal
    tally: Tally
    occurrence: int
    position: Position


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A goal is no longer reached: reverse what its reward gave."""

    step_id: str
    goal: Goal
    tally: Tally
    occurrence: int
    position: Position


@dataclass(frozen=True, slots=True)
class Ask:
    """A branch needs its condition judged; ask again with `Seen.answer`."""

    step_id: str
    condition: str


@dataclass(frozen=True, slots=True)
class Choose:
    """A branch or split took a way."""

    step_id: str
    way: str
    position: Position


@dataclass(frozen=True, slots=True)
class Open:
    """A wait for the member's acts begins."""

    step_id: str
    step: Await
    position: Position


@dataclass(frozen=True, slots=True)
class Close:
    """A wait ended: `met`, `missed` or `skipped` by an operator."""

    step_id: str
    how: Literal["met", "missed", "skipped", "waited"]
    position: Position
    event_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing to do before `until`, unless a nudge comes first."""

    step_id: str
    until: datetime
    position: Position


@dataclass(frozen=True, slots=True)
class Finish:
    outcome: str
    position: Position


Move = Do | Reward | TakeBack | Ask | Choose | Open | Close | Sleep | Finish


def begin(plan: Plan, since: datetime) -> Position:
    """The position of a member who was just admitted; acts after `since` count."""
    return Position(node=plan.start, since=since)


def advance(plan: Plan, position: Position, seen: Seen) -> Move:
    """The next move of a journey. Asking again with the same arguments gives the same move."""
    if position.node is None:
        return Finish("completed", position)
    node = plan.nodes[position.node]
    step = node.step
    if isinstance(step, Await):
        return _await(position.node, step, node.next, position, seen)
    if isinstance(step, Wait):
        return _wait(position.node, step, node.next, position, seen)
    if isinstance(step, Branch):
        return _branch(position.node, step, node.next, position, seen)
    if isinstance(step, Split):
        arm = arm_of(step.arms, seen.salt, position.node, seen.member_id)
        return Choose(position.node, arm.id, _on(position, arm.next or node.next))
    if isinstance(step, End):
        return Finish(step.outcome, _on(position, None))
    return Do(position.node, step, "reached", _on(position, node.next))


def arm_of(arms: tuple[Arm, ...], salt: str, step_id: str, member_id: str) -> Arm:
    """The arm a member is in: a hash of salt and member, never redrawn, always recomputable."""
    place = bucket(salt, step_id, member_id) * sum(a.weight for a in arms) // BASIS
    for arm in arms:
        if place < arm.weight:
            return arm
        place -= arm.weight
    return arms[-1]


def bucket(salt: str, purpose: str, member_id: str) -> int:
    """A member's sticky place, 0 to 9,999, for one purpose of one campaign."""
    digest = hashlib.sha256(f"{salt}\x1f{purpose}\x1f{member_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BASIS


def resolve(moment: Moment, start: datetime, zone: ZoneInfo) -> datetime:
    """The instant a moment names, seen from `start`."""
    at = start
    if moment.at is not None:
        at = moment.at
    elif moment.after is not None:
        at = shift(start, moment.after, zone)
    elif moment.end_of == "month":
        at = start_of_month(start, zone, months=1)
    elif moment.end_of == "day":
        at = start_of_day(start, zone, days=1)
    if moment.minus is not None:
        at = shift(at, moment.minus, zone, sign=-1)
    if moment.local_time is not None:
        at = next_time_of_day(at, time.fromisoformat(moment.local_time), zone)
    return at


def satisfied(step: Await, standing: tuple[str, ...]) -> bool:
    """Whether the goals met so far are what the wait needs."""
    met = [goal.id in standing for goal in step.goals]
    return all(met) if step.need == "all" else any(met)


def no_longer_so(plan: Plan, position: Position, *, left: bool = False) -> list[tuple[str, Notify]]:
    """What was said in a wait and is untrue now, by step: of goals met, or all once it is left."""
    node_id = position.node
    step = plan.nodes[node_id].step if node_id else None
    if not isinstance(step, Await):
        return []
    over = left or satisfied(step, position.standing)
    almost = [
        (f"{node_id}.{goal.id}.almost", goal.almost)
        for goal in step.goals
        if goal.almost and goal.id in position.told and (left or goal.id in position.standing)
    ]
    reminders = [
        (f"{node_id}.{reminder.id}", reminder.notify)
        for reminder in step.remind
        if over and reminder.id in position.reminded
    ]
    return almost + reminders


def _on(position: Position, node: str | None) -> Position:
    return Position(node=node, since=position.since, since_seq=position.since_seq)


def _branch(node_id: str, step: Branch, after: str | None, position: Position, seen: Seen) -> Move:
    if seen.answer is None:
        return Ask(node_id, step.condition)
    way = step.then if seen.answer else step.otherwise
    return Choose(node_id, "then" if seen.answer else "otherwise", _on(position, way or after))


def _wait(node_id: str, step: Wait, after: str | None, position: Position, seen: Seen) -> Move:
    if position.until is None:
        until = resolve(step.until, seen.now, seen.zone)
        position = position.model_copy(update={"entered_at": seen.now, "until": until})
    assert position.until is not None
    if seen.skip:
        return Close(node_id, "skipped", _on(position, after))
    if seen.now >= position.until:
        return Close(node_id, "waited", _on(position, after))
    return Sleep(node_id, position.until, position)


def _await(node_id: str, step: Await, after: str | None, position: Position, seen: Seen) -> Move:
    if position.until is None:
        until = resolve(step.until, seen.now, seen.zone)
        closes = shift(until, step.lateness, seen.zone) if step.lateness else until
        entered = {"entered_at": seen.now, "until": until, "closes_at": closes}
        return Open(node_id, step, position.model_copy(update=entered))
    assert position.closes_at is not None
    for goal in step.goals:
        if (undone := _undone(node_id, goal, position, seen)) is not None:
            return undone
    done = satisfied(step, position.standing)
    if done and step.settle == "at_once":
        return _close(node_id, step, after, position, seen)
    # Of goals met by the time we look the first may end the wait, as it would have at the time.
    for goal in sorted(step.goals, key=lambda g: _act(g, position, seen)):
        if (move := _goal(node_id, goal, position, seen)) is not None:
            return move
    if seen.now >= position.closes_at or seen.skip:
        return _close(node_id, step, after, position, seen)
    reminder = None if done else _reminder(node_id, step, position, seen)
    if reminder is not None:
        return reminder
    return Sleep(node_id, _next_look(step, position, seen, done), position)


def _act(goal: Goal, position: Position, seen: Seen) -> tuple[datetime, int]:
    """When, and with which act, a goal was met; of one that is not, its last act so far."""
    tally = seen.tallies.get(goal.id, Tally(0))
    return tally.last_at or position.since, tally.last_seq or 0


def _undone(node_id: str, goal: Goal, position: Position, seen: Seen) -> TakeBack | None:
    tally = seen.tallies.get(goal.id, Tally(0))
    if tally.count >= goal.count or goal.id not in position.standing or goal.undo == "keep":
        return None
    left = tuple(g for g in position.standing if g != goal.id)
    times = position.rewarded.get(goal.id, 0)
    undone = position.model_copy(update={"standing": left})
    return TakeBack(f"{node_id}.{goal.id}", goal, tally, times - 1, undone)


def _goal(node_id: str, goal: Goal, position: Position, seen: Seen) -> Move | None:
    tally = seen.tallies.get(goal.id, Tally(0))
    step_id = f"{node_id}.{goal.id}"
    times = position.rewarded.get(goal.id, 0)
    if tally.count >= goal.count and goal.id not in position.standing:
        changed = {
            "standing": (*position.standing, goal.id),
            "rewarded": {**position.rewarded, goal.id: times + 1},
        }
        return Reward(step_id, goal, tally, times, position.model_copy(update=changed))
    if (
        goal.almost is not None
        and goal.id not in position.told
        and tally.count == goal.count - 1 > 0
        and position.until is not None
        and seen.now < position.until
    ):
        told = position.model_copy(update={"told": (*position.told, goal.id)})
        return Do(f"{step_id}.almost", goal.almost, "one_missing", told, goal, position.until)
    return None


def _close(node_id: str, step: Await, after: str | None, position: Position, seen: Seen) -> Move:
    """The wait is over. Acts after what ended it count for the next, however late we hear of it."""
    met = satisfied(step, position.standing)
    how: Literal["met", "missed", "skipped"]
    how = "met" if met else "skipped" if seen.skip else "missed"
    node = (step.met if met else step.missed) or after
    if met and step.settle == "at_once":
        at, seq = max(_act(g, position, seen) for g in step.goals if g.id in position.standing)
        return Close(node_id, "met", Position(node=node, since=at - TICK, since_seq=seq), seq)
    assert position.until is not None
    ended = position.until - TICK
    if seen.skip:
        ended = min(ended, seen.now)
    if ended <= position.since:  # it was over before it began
        return Close(node_id, how, _on(position, node))
    return Close(node_id, how, Position(node=node, since=ended))


def _reminder_at(reminder: Reminder, position: Position, zone: ZoneInfo) -> datetime:
    assert position.entered_at is not None
    assert position.until is not None
    if reminder.before_end is not None:
        return shift(position.until, reminder.before_end, zone, sign=-1)
    assert reminder.at is not None
    return resolve(reminder.at, position.entered_at, zone)


def _reminder(node_id: str, step: Await, position: Position, seen: Seen) -> Move | None:
    assert position.entered_at is not None
    assert position.until is not None
    if seen.now >= position.until:
        return None
    # What speaks of something that is over is never sent: a reminder whose time had passed before
    # the wait began, one that wakes after the deadline, one that a later one has overtaken.
    open_ones = [r for r in step.remind if r.id not in position.reminded]
    times = [(_reminder_at(r, position, seen.zone), r) for r in open_ones]
    due = [(at, r) for at, r in times if position.entered_at < at <= seen.now]
    if not due:
        return None
    _, latest = max(due, key=lambda pair: pair[0])
    reminded = (*position.reminded, *(r.id for _, r in due))
    after = position.model_copy(update={"reminded": reminded})
    over = min([at for at, _ in times if at > seen.now] + [position.until])
    return Do(f"{node_id}.{latest.id}", latest.notify, "reminder_due", after, until=over)


def _next_look(step: Await, position: Position, seen: Seen, done: bool) -> datetime:
    assert position.closes_at is not None
    coming = [] if done else [_reminder_at(r, position, seen.zone) for r in step.remind]
    return min([at for at in coming if at > seen.now] + [position.closes_at])


def without_wait(seen: Seen) -> Seen:
    """The same sight after a move: an answer or a skip counts once."""
    return replace(seen, answer=None, skip=False)
