"""What a turn sees of one member: facts, and the acts in the window of the present wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty.audiences.history import with_history
from loyalty.coming_expiry import balance_of
from loyalty.conditions import EVENT, MEMBER, Condition
from loyalty.journeys import goals
from loyalty.journeys.machine import (
    Position,
    Seen,
    Tally,
)
from loyalty.journeys.plan import Await, Goal, Plan
from loyalty.members import Member, member_facts
from loyalty.ports import Transaction
from loyalty.records import Enrolment, InboxEvent


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
            balance = balance_of(self.tx, self.member)
            self._facts = member_facts(self.member, balance, self.tx.now)
        return self._facts

    def look_anew(self, member: Member) -> None:
        """Facts were changed by what was just given: the next condition must see that."""
        self.member, self._facts = member, {}

    def judge(self, condition: str) -> bool:
        facts = with_history(self.tx, self.member, self.facts(), [condition])
        return Condition(condition, MEMBER).fits(facts)

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
        events = self.acts({goal.on for goal in step.goals}, after, before, position.since_seq)
        self.events = {event.seq: event for event in events}
        facts = self._facts_for(step.goals, events)
        return goals.tallies(step, position, events, facts, self.tx.programme.tz)

    def tally(self, goal: Goal, after: datetime, before: datetime) -> Tally:
        """How far the member is towards one goal, by acts with after < occurred_at < before."""
        events = self.acts({goal.on}, after, before)
        return goals.tally(goal, events, self._facts_for([goal], events), self.tx.programme.tz)

    def counting(self, goal: Goal, events: Sequence[InboxEvent]) -> Mapping[object, InboxEvent]:
        """Those of a wait's acts that count for one goal, by what each counts as."""
        return goals.counting(goal, events, self._facts_for([goal], events), self.tx.programme.tz)

    def acts(
        self, types: set[str], after: datetime, before: datetime, begun_by: int | None = None
    ) -> Sequence[InboxEvent]:
        """The member's acts of these types in that time, whether they count or not.

        `begun_by`: the act with which the time begins; none = what opened the journey.
        """
        if begun_by is None:
            begun_by = self.enrolment.trigger_seq or 0
        found = self.tx.inbox.between(self.member.id, types, after, before)
        return [event for event in found if goals.follows(event, after, begun_by)]

    def _facts_for(
        self, counted: Sequence[Goal], events: Sequence[InboxEvent]
    ) -> Mapping[str, object]:
        asked = {name for g in counted if g.where for name in Condition(g.where, EVENT).names}
        # Facts about the member cost a look at the ledger, so only conditions on them pay for it.
        about_member = events and any(name.startswith("member.") for name in asked)
        return self.facts() if about_member else {"now": self.tx.now}
