"""Tiers and messages of a simulation: the tier follows assumed purchases, the gate is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from loyalty.messages import (
    ContactStanding,
    NewMessage,
    Queued,
    Status,
    Verdict,
    contact_gate,
    useful_until,
)
from loyalty.tiers.standing import Held, TierReview
from loyalty.timing import start_of_day

if TYPE_CHECKING:
    from loyalty.simulation.paper import Paper

STATUS: dict[str, Status] = {"send": "queued", "defer": "deferred", "drop": "dropped"}


@dataclass(frozen=True, slots=True)
class Said:
    """A message as the simulation put it in line, and the gate's word at that instant."""

    at: datetime
    new: NewMessage
    verdict: Verdict


@dataclass(slots=True)
class PaperMessages:
    """Nothing is put in line; the gate is asked with what was said before, here and in fact."""

    paper: "Paper"
    said: dict[str, Said] = field(default_factory=dict)
    people: dict[str, ContactStanding] = field(default_factory=dict)

    def queue_many(self, new: Sequence[NewMessage]) -> list[Queued]:
        return [self._queue(each) for each in new]

    def withdraw(self, keys: Sequence[str]) -> None:
        for said in [self.said[key] for key in keys if key in self.said]:
            until = said.verdict.until
            if said.verdict.verdict == "defer" and until and until > self.paper.now:
                self.said[said.new.key] = replace(said, verdict=Verdict("drop", "expired"))

    def standing(self, member_id: str) -> ContactStanding:
        if member_id not in self.people:
            self.people[member_id] = self.paper.real.messages.standing(member_id)
        return self.people[member_id]

    def _queue(self, new: NewMessage) -> Queued:
        if new.key not in self.said:
            self.said[new.key] = Said(self.paper.now, new, self._judge(new))
        verdict = self.said[new.key].verdict
        return Queued(STATUS[verdict.verdict], verdict)

    def _judge(self, new: NewMessage) -> Verdict:
        now, programme = self.paper.now, self.paper.programme
        standing = self.standing(new.member_id)
        facts = standing.facts(
            new.key,
            new.channel,
            new.purpose,
            expires_at=useful_until(new, programme.contact, now),
            day_ends_at=start_of_day(now, programme.tz, 1),
        )
        verdict = contact_gate(facts, programme.contact, now)
        if verdict.verdict == "send" and new.purpose == "marketing":
            recent = {**standing.recent, new.channel: (*facts.recent, now)}
            self.people[new.member_id] = replace(standing, recent=recent, sent_today={})
        return verdict


@dataclass(slots=True)
class PaperTiers:
    """The ladder as it stands, and what assumed purchases add to it."""

    paper: "Paper"
    rows: list[Held] = field(default_factory=list)
    counted: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def at(self, member_id: str, instant: datetime) -> str:
        if (
            self.rows
            or instant > self.paper.started
            or self.paper.real.members.get(member_id) is None
        ):
            return self.paper.members.lock(member_id).tier
        return self.paper.real.tiers.at(member_id, instant)

    def history(self, member_id: str) -> Sequence[Held]:
        return [*self.paper.real.tiers.history(member_id), *self.rows]

    def history_of_merged(self, member_id: str) -> Sequence[Held]:
        return self.paper.real.tiers.history_of_merged(member_id)

    def add(self, member_id: str, held: Held) -> int:
        self.rows.append(held)
        return -len(self.rows)

    def count(self, member_id: str, at: datetime, amount: int, source_key: str) -> None:
        self.counted[source_key] = (at, amount)

    def metric(self, member_id: str, since: datetime, before: datetime | None) -> int:
        assumed = [
            (e.occurred_at, e.amount_minor or 0)
            for e in self.paper.inbox.assumed
            if e.type == "purchase"
        ]
        mine = [*self.counted.values()]
        if self.paper.programme.tiers.metric == "spend_minor":
            mine += assumed
        return self.paper.real.tiers.metric(member_id, since, before) + sum(
            amount for at, amount in mine if since <= at and (before is None or at < before)
        )

    def review_of(self, member_id: str) -> TierReview | None:
        return self.paper.real.tiers.review_of(member_id)

    def review_at(
        self, member_id: str, due_at: datetime | None, refunded_at: datetime | None
    ) -> None:
        """Falling is no part of what is simulated: nobody is looked at."""
