"""One turn of a journey: look at everything, do what is due, say when to look again.

A turn is one transaction. It asks the pure machine for move after move and carries each out, until
the member must wait or the journey ends. Its outcome is kept on the enrolment: a turn that is asked
for again gets the latest outcome, which says which turn comes next, and changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from loyalty.admission import compiled
from loyalty.campaign_entry import is_past
from loyalty.journeys import goals
from loyalty.journeys.effects import Journey, carry_out, take_back, taken_back, withdraw
from loyalty.journeys.machine import (
    Ask,
    Choose,
    Close,
    Do,
    Finish,
    Move,
    Open,
    Position,
    Reward,
    Seen,
    Sleep,
    TakeBack,
    Tally,
    advance,
    no_longer_so,
)
from loyalty.journeys.plan import Await, Effect
from loyalty.journeys.reached import moved
from loyalty.journeys.sight import Sight
from loyalty.journeys.waking import go_back_to, member_of, with_sleep
from loyalty.ports import Transaction
from loyalty.records import InboxEvent, OperatorCommand

MOVES_MAX = 500
"""No plan has as many steps; passing it means a fault in the machine, not in the journey."""


def take_turn(tx: Transaction, enrolment_id: str, turn: int) -> dict[str, Any]:
    """Take turn number `turn` of an enrolment and return its outcome, now or as it was left."""
    member = tx.members.lock(member_of(enrolment_id))
    enrolment, campaign, asked = tx.enrolments.for_turn(enrolment_id)
    if turn < enrolment.turn or enrolment.state == "ended":
        # Taken before: by a worker whose answer was lost, or by a run that was since reset.
        return with_sleep(enrolment.last_outcome or {"ended": True}, tx.now)
    if turn > enrolment.turn:
        return go_back_to(enrolment.turn)
    version = tx.campaigns.version(enrolment.campaign_id, enrolment.version)
    journey = Journey(tx, campaign, version, enrolment, member)
    commands = tx.enrolments.commands(enrolment_id) if asked else ()
    outcome = _gate(journey, commands) or _walk(journey, commands)
    journey.settle_budget()
    outcome["next_turn"] = turn + 1
    reached = moved(version.plan, enrolment.reached, journey.been, journey.left)
    after = replace(journey.enrolment, turn=turn + 1, last_outcome=outcome, reached=reached)
    tx.enrolments.save(after)
    tx.decisions.add_many(journey.decided)
    return with_sleep(outcome, tx.now)


def _gate(journey: Journey, commands: Sequence[OperatorCommand]) -> dict[str, Any] | None:
    """What stands before any step: an operator's cancel, a campaign stopped or paused, a leaver."""
    tx, enrolment = journey.tx, journey.enrolment
    for command in commands:
        if command.command == "cancel":
            tx.enrolments.command_done(command.id)
            return _end(journey, "cancelled", "cancelled_by_operator", {"actor": command.actor})
    if journey.campaign.state == "paused":
        # It may be resumed this moment. Under its lock either it is not, and whoever resumes it
        # finds this journey held, or it is, and the journey goes on.
        journey.campaign = tx.campaigns.lock(journey.campaign.id)
    if journey.campaign.state == "stopped":
        return _end(journey, "stopped", "campaign_stopped", {})
    if journey.member.status == "erased":
        return _end(journey, "erased", "ended_by_erasure", {})
    if journey.member.status != "active":
        return _end(journey, "left", "member_left", {})
    if journey.member.id != enrolment.member_id:
        # Merged, and whoever lives on has entered too: one person is rewarded once.
        return _end(journey, "merged", "ended_by_merger", {"into": journey.member.id})
    if journey.campaign.state != "paused":
        return _too_late(journey)
    key = f"{enrolment.id}:held:{enrolment.turn}"
    journey.decide(key, enrolment.position.node or "end", "held", "campaign_paused")
    journey.enrolment = replace(enrolment, state="held", wake_at=None)
    return {
        "ended": False,
        "wake_at": None,
        "summary": "Held while the campaign is paused",
        "details": "**Held**: the campaign is paused. Resuming it wakes this journey.",
        "next_summary": "Resumed: look again",
    }


def _too_late(journey: Journey) -> dict[str, Any] | None:
    """A month's journey that a pause held at its very beginning is not begun in another month."""
    enrolment, tx = journey.enrolment, journey.tx
    if enrolment.position.node != journey.version.plan.start or enrolment.position.until:
        return None
    if not is_past(enrolment.entry_key, compiled(journey.version), tx.now, tx.programme.tz):
        return None
    return _end(journey, "not_begun", "period_over", {"entry": enrolment.entry_key})


def _walk(journey: Journey, commands: Sequence[OperatorCommand]) -> dict[str, Any]:
    tx = journey.tx
    sight = Sight(tx, journey.member, journey.version.plan, journey.enrolment)
    for command in commands:
        tx.enrolments.command_done(command.id)
    seen = sight.at(journey.enrolment.position)
    seen = replace(seen, skip=any(c.command == "skip" for c in commands))
    for _ in range(MOVES_MAX):
        position = journey.enrolment.position
        move = advance(journey.version.plan, position, seen)
        if position.node is not None:
            journey.been.add(position.node)
        if isinstance(move, Ask):
            seen = replace(seen, answer=sight.judge(move.condition))
            continue
        if isinstance(move, Sleep):
            return _sleep(journey, move)
        if isinstance(move, Finish):
            return _end(journey, move.outcome, "journey_ended", {}, move.position)
        _remember_wait(journey, position, seen)
        _carry_out(journey, move, sight)
        if isinstance(move, (Do, Reward, TakeBack)):
            sight.look_anew(journey.member)
        journey.enrolment = replace(journey.enrolment, position=move.position)
        if move.position.node != position.node or isinstance(move, Open):
            seen = sight.at(move.position)
    raise RuntimeError(f"{journey.enrolment.id} made {MOVES_MAX} moves in one turn")


def _carry_out(journey: Journey, move: Move, sight: Sight) -> None:
    if isinstance(move, Do):
        if move.goal is not None:
            journey.remember(_progress("wait", move.goal.count - 1, move.goal.count))
        carry_out(journey, move.step_id, move.effect, reason=move.reason, until=move.until)
    elif isinstance(move, Reward):
        _reward(journey, move, sight.events.get(move.tally.last_seq or 0))
    elif isinstance(move, TakeBack):
        journey.left.add(move.step_id)
        journey.been.discard(move.step_id)
        for step_id, effect in rewards(move):
            take_back(journey, step_id, effect, move.occurrence)
    elif isinstance(move, Choose):
        journey.been.add(f"{move.step_id}:{move.way}")
        journey.decide(journey.key(move.step_id), move.step_id, "done", f"way:{move.way}")
    elif isinstance(move, Open):
        _open(journey, move)
    elif isinstance(move, Close):
        if move.how != "waited":
            journey.been.add(f"{move.step_id}:{move.how}")
        _leave_wait(journey)
        key = f"{journey.key(move.step_id)}:closed"
        journey.decide(key, move.step_id, "done", move.how, event_seq=move.event_seq)


def rewards(move: Reward | TakeBack) -> list[tuple[str, Effect]]:
    """A goal's effects with the step id each is keyed by."""
    return [
        (move.step_id if i == 0 else f"{move.step_id}.{i}", effect)
        for i, effect in enumerate(move.goal.reward)
    ]


def _reward(journey: Journey, move: Reward, act: InboxEvent | None) -> None:
    journey.been.add(move.step_id)
    journey.left.discard(move.step_id)
    key = f"{journey.key(move.step_id, move.occurrence)}:met"
    inputs = {"count": move.tally.count, "needed": move.goal.count}
    if act is not None and act.amount_minor is not None:
        # What the member spent in the act that reached the goal, for reports.
        inputs["amount_minor"] = goals.kept_minor(act)
    journey.decide(
        key, move.step_id, "done", "goal_met", inputs=inputs, event_seq=move.tally.last_seq
    )
    journey.remember(_progress("wait", move.goal.count, move.goal.count))
    for step_id, effect in rewards(move):
        if move.occurrence and not taken_back(effect):
            # Buying and returning again and again must not be a way to have it many times.
            again = journey.key(step_id, move.occurrence)
            journey.decide(again, step_id, "skipped", "given_before")
            continue
        carry_out(journey, step_id, effect, occurrence=move.occurrence, reason="goal_met")
    withdraw(journey, no_longer_so(journey.version.plan, move.position))


def _leave_wait(journey: Journey) -> None:
    """The wait at hand is over, however: nothing wakes it, nothing more is said of it."""
    journey.tx.enrolments.close_wait(journey.enrolment.id)
    withdraw(journey, no_longer_so(journey.version.plan, journey.enrolment.position, left=True))


def _open(journey: Journey, move: Open) -> None:
    position = move.position
    assert position.until is not None
    assert position.closes_at is not None
    journey.tx.enrolments.open_wait(
        journey.enrolment,
        {goal.on for goal in move.step.goals},
        position.since,
        position.until,
        position.closes_at,
    )
    journey.decide(
        f"{journey.key(move.step_id)}:opened",
        move.step_id,
        "waiting",
        "wait_opened",
        inputs={
            "goals": {goal.id: goal.count for goal in move.step.goals},
            "since": position.since.isoformat(),
            "since_seq": position.since_seq,
        },
        until=position.until,
    )


def _remember_wait(journey: Journey, position: Position, seen: Seen) -> None:
    """Carry the wait's end and how far its goals are, for the messages said in it and after it."""
    step = journey.version.plan.nodes[position.node].step if position.node else None
    if not isinstance(step, Await) or position.until is None:
        return
    said: dict[str, Any] = {"wait.ends_on": position.until.isoformat()}
    for goal in step.goals:
        count = min(seen.tallies.get(goal.id, Tally(0)).count, goal.count)
        said |= _progress(f"goals.{goal.id}", count, goal.count)
        if len(step.goals) == 1:
            said |= _progress("wait", count, goal.count)
    journey.remember(said)


def _progress(group: str, count: int, needed: int) -> dict[str, Any]:
    return {f"{group}.count": count, f"{group}.needed": needed, f"{group}.missing": needed - count}


def _sleep(journey: Journey, move: Sleep) -> dict[str, Any]:
    enrolment = journey.enrolment
    journey.enrolment = replace(
        enrolment,
        state="waiting",
        position=move.position,
        wake_at=move.until,
    )
    local = move.until.astimezone(journey.tx.programme.tz)
    until = f"{local:%Y-%m-%d %H:%M} {journey.tx.programme.zone}"
    did = f"Did: {', '.join(journey.did)}. " if journey.did else ""
    return {
        "ended": False,
        "wake_at": move.until.isoformat(),
        "summary": f"{move.step_id} → {until}",
        "details": f"{did}At **{move.step_id}**. Looks again at {until}, or when told to.",
        "next_summary": f"After {move.step_id}",
    }


def _end(
    journey: Journey,
    outcome: str,
    reason: str,
    inputs: Mapping[str, Any],
    position: Position | None = None,
) -> dict[str, Any]:
    tx, enrolment = journey.tx, journey.enrolment
    if enrolment.position.until is not None:
        _leave_wait(journey)
    journey.spend(granted=0, reserved=-enrolment.reserved_points)
    enrolment = journey.enrolment
    journey.decide(
        f"{enrolment.id}:end",
        enrolment.position.node or "end",
        "ended",
        reason,
        inputs={"outcome": outcome, **inputs},
    )
    journey.enrolment = replace(
        enrolment,
        state="ended",
        outcome=outcome,
        ended_at=tx.now,
        wake_at=None,
        position=position or enrolment.position,
    )
    did = f"Did: {', '.join(journey.did)}. " if journey.did else ""
    return {"ended": True, "outcome": outcome, "details": f"{did}Ended: **{outcome}**."}
