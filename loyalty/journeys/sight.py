"""What a turn sees of one member: facts, and the acts in the window of the present wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from loyalty.conditions import EVENT, MEMBER, Condition
from loyalty.journeys import goals
from loyalty.journeys.machine import (
    Position,
    Seen,
    Tally,
)
from loyalty.journeys.plan import Await, Plan
from loyalty.members import Member, member_facts
from loyalty.ports import Transaction
from loyalty.records import Enrolment, InboxEvent

_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Sight:
    """What a turn sees of one member: facts, and the acts in the window of the present wait."""

    tx: Transaction
    member: Member
    plan: Plan
    enrolment: Enrolment
    events: dict[int, InboxEvent] = field(default_factory=dict)  # of the present wait, by seq
    _facts: Mapping[str, object] = field(default_factory=dict)

    def facts(self) -> Mapping[str, object]:
        if not self._facts:
            balance = self.tx.ledger.balance(self.member.id)
            self._facts = member_facts(self.member, balance, self.tx.now)
        return self._facts

    def look_anew(self, member: Member) -> None:
        """Facts were changed by what was just given: the next condition must see that."""
        self.member, self._facts = member, {}

    def judge(self, condition: str) -> bool:
        return Condition(condition, MEMBER).fits(self.facts())

    def at(self, position: Position) -> Seen:
        tallies: Mapping[str, Tally] = {}
        step = self.plan.nodes[position.node].step if position.node else None
        if isinstance(step, Await) and position.until is not None:
            tallies = self._tallies(step, position)
        return Seen(
            now=self.tx.now,
            zone=self.tx.programme.tz,
            member_id=self.member.id,
            salt=self.enrolment.campaign_id,
            tallies=tallies,
        )

    def _tallies(self, step: Await, position: Position) -> Mapping[str, Tally]:
        after, before = goals.window(position)
        types = {goal.on for goal in step.goals}
        opened_by = self.enrolment.trigger_seq or 0
        # What opened the journey does not count, nor what came in before it without being later.
        events: Sequence[InboxEvent] = [
            event
            for event in self.tx.inbox.between(self.member.id, types, after, before)
            if event.seq > opened_by
            or (event.seq < opened_by and event.occurred_at > after + _TICK)
        ]
        self.events = {event.seq: event for event in events}
        asked = {name for g in step.goals if g.where for name in Condition(g.where, EVENT).names}
        # Facts about the member cost a look at the ledger, so only conditions on them pay for it.
        about_member = events and any(name.startswith("member.") for name in asked)
        facts = self.facts() if about_member else {"now": self.tx.now}
        return goals.tallies(step, position, events, facts, self.tx.programme.tz)
