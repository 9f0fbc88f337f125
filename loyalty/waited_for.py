"""What a wait looks for: how far it is, and of a missed one the act that decided.

The acts and how many of them count are the wait's own (`journeys/sight.py`); here it is only looked
at what the member's nearest act fails, where it would have been enough.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from loyalty.conditions import EVENT
from loyalty.failing import failing
from loyalty.journeys import goals
from loyalty.journeys.machine import satisfied
from loyalty.journeys.plan import Await, Goal
from loyalty.journeys.sight import Sight
from loyalty.ports import Transaction
from loyalty.records import Decision, Enrolment, InboxEvent
from loyalty.timing import shift

AROUND = timedelta(days=60)
"""How far outside of its window an act is looked for; further away it was meant for another."""

Missed = tuple[str | None, Mapping[str, Any]]


def open_goals(tx: Transaction, run: Enrolment) -> Mapping[str, Mapping[str, int]]:
    """The goals that the wait at hand still needs, each with what counts by now and what it takes.

    Empty: the run stands in no such wait, or has what this one needs.
    """
    plan = tx.campaigns.version(run.campaign_id, run.version).plan
    node = plan.nodes.get(run.position.node or "")
    member = tx.members.get(run.member_id)
    if member is None or node is None or not isinstance(node.step, Await):
        return {}
    tallies = Sight(tx, member, plan, run).at(run.position).tallies
    missing = {
        goal.id: {"count": tallies[goal.id].count, "needed": goal.count}
        for goal in node.step.goals
        if goal.id in tallies and tallies[goal.id].count < goal.count
    }
    met = tuple(goal.id for goal in node.step.goals if goal.id not in missing)
    return {} if satisfied(node.step, met) else missing


def missed_act(tx: Transaction, run: Enrolment, step_id: str, opened: Decision) -> Missed:
    """Why the wait of `step_id` was missed: a reason of `why_words.py` and its figures."""
    version = tx.campaigns.version(run.campaign_id, run.version)
    node = version.plan.nodes.get(step_id)
    member = tx.members.get(run.member_id)
    if member is None or node is None or not isinstance(node.step, Await):
        return None, {}
    until = opened.until
    assert until is not None
    step = node.step
    closes = shift(until, step.lateness, tx.programme.tz) if step.lateness else until
    noted = opened.inputs.get("since")
    since = datetime.fromisoformat(noted) if noted else opened.at
    sight = Sight(tx, member, version.plan, run)
    begun_by = opened.inputs.get("since_seq")
    found = [_of_goal(sight, goal, since, begun_by, until, closes) for goal in step.goals]
    reasons = [reason for reason in found if reason is not None]
    if not reasons:
        return None, {}
    # Of several goals the one that came nearest is the one to speak of.
    return next((r for r in reasons if r[0] != "act_never_came"), reasons[0])


def _of_goal(
    sight: Sight,
    goal: Goal,
    since: datetime,
    begun_by: int | None,
    until: datetime,
    closes: datetime,
) -> Missed | None:
    """Why one goal of a wait was not reached; none where it was."""
    said = {"on": goal.on, "since": since.isoformat(), "until": until.isoformat()}
    within = sight.acts({goal.on}, since, until, begun_by)
    counted = sight.counting(goal, [e for e in within if e.recorded_at < closes])
    if len(counted) >= goal.count:
        return None
    faults = [(e, *fault) for e in reversed(within) if (fault := _fault(sight, goal, e, closes))]
    for reason in dict.fromkeys(why for _, why, _ in faults):
        # Only what would have been enough decided.
        same = [(event, inputs) for event, why, inputs in faults if why == reason]
        slots = {goals.slot(goal, event, sight.tx.programme.tz) for event, _ in same}
        if len(counted.keys() | slots) >= goal.count:
            event, inputs = same[0]
            return reason, said | {"happened": event.occurred_at.isoformat()} | inputs
    if within:
        return "act_too_few", said | {"needed": goal.count, "count": len(counted)}
    member_id, inbox = sight.member.id, sight.tx.inbox
    near = inbox.between(member_id, [goal.on], since - AROUND, until + AROUND)
    if after := [e for e in near if e.occurred_at >= until]:
        return "act_after", said | {"happened": after[0].occurred_at.isoformat()}
    if before := [e for e in near if e.occurred_at <= since]:
        return "act_before", said | {"happened": before[-1].occurred_at.isoformat()}
    return "act_never_came", said


def _fault(
    sight: Sight, goal: Goal, event: InboxEvent, closes: datetime
) -> tuple[str, dict[str, Any]] | None:
    """Why an act of the time did not count; the member's own facts are as of now."""
    if event.recorded_at >= closes:
        return "act_recorded_late", {"recorded": event.recorded_at.isoformat()}
    if event.amount_minor and goals.kept_minor(event) <= 0:
        return "act_refunded", {}
    if goal.where is None:
        return None
    facts = {**sight.facts(), **goals.event_facts(event)}
    failed = failing(goal.where, EVENT, facts)
    return ("act_did_not_count", {"failed": failed}) if failed else None
