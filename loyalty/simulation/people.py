"""The member of a simulation with acts, cards and caps: written on paper."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from loyalty.audiences.asked import Asked, History
from loyalty.errors import Unknown
from loyalty.members import Mark, Member
from loyalty.records import CardHeld, InboxEvent

if TYPE_CHECKING:
    from loyalty.simulation.paper import Paper

SEQ_FROM = 10**15
"""Numbers of assumed events: behind every real one."""


@dataclass(slots=True)
class PaperMembers:
    """The member as the simulation changes them; everybody else as they are."""

    paper: "Paper"
    changed: dict[str, Member]

    def get(self, member_id: str) -> Member | None:
        return self.changed.get(member_id) or self.paper.real.members.get(member_id)

    def lock(self, member_id: str) -> Member:
        found = self.get(member_id)
        if found is None:
            raise Unknown("member", member_id)
        return found

    def save(self, member: Member) -> None:
        self.changed[member.id] = member

    def page(self, after: str, limit: int) -> Sequence[Member]:
        """An audience of one: whoever is looked at."""
        member = self.changed[self.paper.member_id]
        return [member] if member.id > after and member.status == "active" else []

    def found_by(self, mark: Mark, value: str) -> Sequence[str]:
        return self.paper.real.members.found_by(mark, value)

    def history(self, member_ids: Sequence[str], asked: Asked) -> Mapping[str, History]:
        """What they did up to today, and the assumed purchases of whoever is looked at."""
        known = dict(self.paper.real.members.history(member_ids, asked))
        mine = known.get(self.paper.member_id)
        bought = [e for e in self.paper.inbox.assumed if e.type == "purchase"]
        if mine is not None and bought:
            spend = {days: mine.spend.get(days, 0) for days in asked.windows}
            mine = replace(mine, spend=spend)
            known[self.paper.member_id] = _with_purchases(mine, bought, self.paper.now)
        return known


def _with_purchases(known: History, bought: Sequence[InboxEvent], now: datetime) -> History:
    spend = {
        days: minor
        + sum(e.amount_minor or 0 for e in bought if e.occurred_at > now - timedelta(days=days))
        for days, minor in known.spend.items()
    }
    latest = {line["category"]: e.occurred_at for e in bought for line in e.body["lines"]}
    stores = {e.store: e.occurred_at for e in bought if e.store}
    return replace(
        known,
        spend=spend,
        categories={**known.categories, **latest},
        stores={**known.stores, **stores},
    )


@dataclass(slots=True)
class PaperInbox:
    """Events that happened, and those that are assumed."""

    paper: "Paper"
    assumed: list[InboxEvent] = field(default_factory=list)
    numbers: int = SEQ_FROM

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def add(self, event: InboxEvent) -> int:
        seq = event.seq or self.number()
        self.assumed.append(replace(event, seq=seq))
        return seq

    def answer(self, seq: int, answer: Mapping[str, Any]) -> None:
        self.assumed = [replace(e, answer=answer) if e.seq == seq else e for e in self.assumed]

    def find(self, source: str, event_id: str) -> InboxEvent | None:
        mine = (e for e in self.assumed if (e.source, e.event_id) == (source, event_id))
        return next(mine, None) or self.paper.real.inbox.find(source, event_id)

    def get(self, seq: int) -> InboxEvent | None:
        mine = next((e for e in self.assumed if e.seq == seq), None)
        return mine or self.paper.real.inbox.get(seq)

    def refunds_of(self, seq: int) -> Sequence[InboxEvent]:
        return [] if seq > SEQ_FROM else self.paper.real.inbox.refunds_of(seq)

    def between(
        self, member_id: str, types: Iterable[str], after: datetime, before: datetime
    ) -> Sequence[InboxEvent]:
        wanted = set(types)
        mine = [
            e
            for e in self.assumed
            if e.member_id == member_id and e.type in wanted and after < e.occurred_at < before
        ]
        real = self.paper.real.inbox.between(member_id, wanted, after, before)
        return sorted([*real, *mine], key=lambda e: (e.occurred_at, e.seq))


@dataclass(slots=True)
class PaperCards:
    paper: "Paper"
    held: list[CardHeld] = field(default_factory=list)

    def add(self, card: CardHeld) -> None:
        self.held.append(card)

    def at(self, member_id: str, instant: datetime) -> Sequence[CardHeld]:
        mine = [
            c for c in self.held if c.member_id == member_id and c.starts_at <= instant < c.ends_at
        ]
        return [*self.paper.real.cards.at(member_id, instant), *mine]

    def coupon(
        self, key: str, member_id: str, campaign_id: str, coupon: str, ends_at: datetime
    ) -> None:
        """The decision beside it says all there is to say."""


@dataclass(slots=True)
class PaperCounters:
    """Caps as used so far, and what the simulation uses of them."""

    paper: "Paper"
    moved: dict[tuple[str, str], int] = field(default_factory=dict)

    def used(
        self, member_id: str, counters: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], int]:
        used = dict(self.paper.real.counters.used(member_id, counters))
        for counter in counters:
            if counter in self.moved:
                used[counter] = used.get(counter, 0) + self.moved[counter]
        return used

    def add(self, member_id: str, moved: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        for counter, (_, granted) in moved.items():
            self.moved[counter] = self.moved.get(counter, 0) + granted
