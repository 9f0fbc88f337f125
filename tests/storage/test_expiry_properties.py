"""Any few weeks of any members: nobody loses points at an instant that he was not told of in time.

What was said is read from the events that campaigns begin with, and added up here on its own; where
a programme gives no notice, from the balance that members were shown.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from loyalty.coming_expiry import undated_until
from loyalty.errors import LoyaltyError
from loyalty.expiry import EXPIRING
from loyalty.ledger import Posted
from storage import tables
from storage.database import Database
from tests.storage.expiry_desk import Told, desk_of

NOTICE, LIFE = timedelta(days=3), timedelta(days=20)
MONTH = timedelta(days=28)
"""A month has at least so many days: who bought keeps points without a date for that long."""
MEMBERS = ("lee", "kim", "ann")

who = st.sampled_from(MEMBERS)
some = st.sampled_from([1, 10, 40, 300])
passes = st.tuples(st.just("passes"), st.sampled_from([1, 11, 24, 60, 24 * 20, 24 * 35]))
looks = st.tuples(st.just("looks"))
acts = (
    passes,
    passes,
    looks,
    looks,
    st.tuples(st.just("gets"), who, some, st.sampled_from([None, None, 1, 2, 3, 4, 9])),
    st.tuples(st.just("gets"), who, some, st.sampled_from([2, 3, 4])),
    st.tuples(st.just("buys"), who),
    st.tuples(st.just("brings_back"), who),
    st.tuples(st.just("wakes"), who, some, st.booleans()),
    st.tuples(st.just("spends"), who, some),
    st.tuples(st.just("hands"), who, who, some),
    st.tuples(st.just("merges"), who, who),
)
holds = (
    st.tuples(st.just("sets_aside"), who, st.sampled_from([1, 10, None])),
    st.tuples(st.just("lets_go")),
)


class Weeks:
    """Members who remember what they were told, and what they lost for it."""

    def __init__(self, desk: Told, number: int) -> None:
        self.desk = desk
        self.ids = {name: f"{name}{number}" for name in MEMBERS}
        self.heard: dict[str, dict[datetime, tuple[datetime, int]]] = defaultdict(dict)
        self.shown: dict[str, dict[datetime, int]] = defaultdict(dict)
        self.given: dict[str, datetime] = {}
        self.bought: dict[str, datetime] = {}
        self.receipts: dict[str, list[str]] = defaultdict(list)
        self.holds: list[str] = []
        self.numbers: Iterator[int] = desk.numbers
        self.read, self.lost = self._last(tables.inbox.c.seq), self._last(tables.transactions.c.id)
        for id in self.ids.values():
            desk.joins(id)

    def _last(self, column: Any) -> int:
        rows = self.desk._rows(select(column).order_by(column.desc()).limit(1))
        return rows[0][0] if rows else 0

    def passes(self, hours: int) -> None:
        self._read()
        self.desk.clock.instant += timedelta(hours=hours)

    def gets(self, name: str, points: int, days: int | None) -> None:
        """Points of some midnight that is near, or without a date."""
        midnight = self.desk.clock.instant.replace(hour=0, minute=0)
        until = midnight + timedelta(days=days) if days else None
        self.desk.has(self.ids[name], points, until)
        if until is None:
            self.given[self.ids[name]] = self.desk.clock.now()

    def buys(self, name: str) -> None:
        id, receipt = self.ids[name], f"r{next(self.numbers)}"
        self.desk.buys(id, receipt, ("grocery", 1_000))
        self.receipts[id].append(receipt)
        self.bought[id] = self.given[id] = self.desk.clock.now()

    def brings_back(self, name: str) -> None:
        """All of the last purchase that is still theirs."""
        if mine := self.receipts[self.ids[name]]:
            self.desk.returns(mine.pop())

    def wakes(self, name: str, points: int, shops: bool) -> None:
        """Given something long after the last act; nights later it is there, and what is bought
        and brought back that day was bought.
        """
        self.passes(24 * 40)
        self.looks()
        self.gets(name, points, None)
        if shops:
            self.buys(name)
            self.brings_back(name)
        for days in (22, 5) if shops else (1, 5):
            self.passes(24 * days)
            self.looks()

    def spends(self, name: str, points: int) -> None:
        self.desk.spends(self.ids[name], points)

    def hands(self, name: str, to: str, points: int) -> None:
        self.desk.hands(self.ids[name], self.ids[to], points)
        t = tables.transactions.c
        [row] = self.desk._rows(select(t.key).order_by(t.id.desc()).limit(1))
        if any(lot.expires_at is None for lot in self._posted(row.key).lots):
            self.given[self.ids[to]] = self.desk.clock.now()

    def sets_aside(self, name: str, points: int | None) -> None:
        """So many, or all there are: for half a week, unless it is let go before."""
        key, until = f"hold/{next(self.numbers)}", self.desk.clock.now() + timedelta(hours=80)
        work = self.desk.store.run
        some = points or self.desk.balance(self.ids[name]).available
        work(lambda tx: tx.ledger.hold(key, self.ids[name], some, expires_at=until))
        self.holds.append(key)

    def lets_go(self) -> None:
        if self.holds:
            key = self.holds.pop(0)
            self.desk.store.run(lambda tx: tx.ledger.release(key, f"{key}:release"))

    def merges(self, name: str, into: str) -> None:
        """Both cards are one person's, who was told on either."""
        gone, stays = self.ids[name], self.ids[into]
        self.desk.merges(gone, stays)
        self.ids = {each: stays if id == gone else id for each, id in self.ids.items()}
        self.receipts[stays] += self.receipts.pop(gone, [])
        for last in (self.given, self.bought):
            if then := last.pop(gone, None):
                last[stays] = max(then, last.get(stays, then))
        for at, points in self.shown.pop(gone, {}).items():
            self.shown[stays][at] = self.shown[stays].get(at, 0) + points
        for at, (when, points) in self.heard.pop(gone, {}).items():
            known = self.heard[stays].get(at, (when, 0))
            self.heard[stays][at] = (max(when, known[0]), points + known[1])

    def looks(self) -> None:
        self.desk.round()
        self._hear()
        self._lose()
        for coming in self.shown.values():
            for at in [at for at in coming if at <= self.desk.clock.now()]:
                del coming[at]  # whatever was left of it was spent before

    def _read(self) -> None:
        """Everybody looks at the balance; what was to come when its time came is remembered."""
        now = self.desk.clock.now()
        for id in set(self.ids.values()):
            gone = {at: points for at, points in self.shown[id].items() if at <= now}
            self.shown[id] = gone | dict(self.desk.shown(id))

    def _hear(self) -> None:
        """What the job says is what the member sees, and comes early enough."""
        i = tables.inbox.c
        new = select(i.seq, i.member_id, i.body).where(i.type == EXPIRING, i.seq > self.read)
        for seq, member_id, body in self.desk._rows(new.order_by(i.seq)):
            self.read = seq
            until = datetime.fromisoformat(body["attributes"]["until"])
            points = int(body["attributes"]["points"])
            self.heard[member_id][until] = (self.desk.clock.now(), points)
            assert until >= self.desk.clock.now() + NOTICE
            assert dict(self.desk.shown(member_id))[until] == points

    def _lose(self) -> None:
        t = tables.transactions.c
        new = select(t.id, t.key).where(t.kind == "expire", t.id > self.lost).order_by(t.id)
        for id, key in self.desk._rows(new):
            self.lost = id
            posted = self._posted(key)
            undated = sum(lot.points for lot in posted.lots if lot.expires_at is None)
            if undated:
                self._had_their_life(posted.member_id)
            if self.desk.store.read(lambda tx: tx.programme).expiry.notice_days:
                for lot in posted.lots:
                    if lot.expires_at is not None:
                        self._was_told(posted.member_id, lot.expires_at, lot.points)
                self._without_a_date(posted.member_id, undated)
            else:
                self._was_shown(posted)

    def _had_their_life(self, member_id: str) -> None:
        """Points without a date: what was given just now stays, and who bought keeps all."""
        now = self.desk.clock.now()
        for last, life in ((self.given, LIFE), (self.bought, MONTH)):
            if member_id in last:
                assert now >= last[member_id] + life

    def _was_shown(self, posted: Posted) -> None:
        over = {at for at in self.shown[posted.member_id] if at <= self.desk.clock.now()}
        assert posted.points <= sum(self.shown[posted.member_id].pop(at) for at in over)

    def _posted(self, key: str) -> Posted:
        return self.desk.store.read(lambda tx: tx.ledger.transaction(key))

    def _was_told(self, member_id: str, at: datetime, points: int) -> None:
        when, told = self.heard[member_id][at]
        assert when + NOTICE <= at <= self.desk.clock.now()
        assert points <= told
        self.heard[member_id][at] = (when, told - points)

    def _without_a_date(self, member_id: str, points: int) -> None:
        """They lapse when the policy says, or later where they were announced later."""
        member = self.desk.member(member_id)
        ends = self.desk.store.read(lambda tx: undated_until(tx, member))
        assert ends is not None
        for at, (_, told) in sorted(self.heard[member_id].items()):
            if points and ends <= at <= self.desk.clock.now():
                part = min(points, told)
                self._was_told(member_id, at, part)
                points -= part
        assert points == 0


@pytest.mark.parametrize(
    ("notice", "step"), [(NOTICE, st.one_of(*acts, *holds)), (timedelta(0), st.one_of(*acts))]
)
def test_nobody_loses_more_than_was_announced_in_time(
    database: Database, notice: timedelta, step: st.SearchStrategy[tuple[Any, ...]]
) -> None:
    """Gifts, purchases, returns, burns, mergers, and holds that are let go or simply time out, in
    any order; in the end all has lapsed. Without a notice, no more than the balance showed.
    """
    desk = desk_of(
        database,
        policy="inactivity",
        months=1,
        notice_days=notice.days,
        minimum_life_days=LIFE.days,
    )
    count = iter(range(10_000))

    @settings(
        max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(steps=st.lists(step, min_size=5, max_size=40))
    def any_weeks(steps: list[tuple[Any, ...]]) -> None:
        weeks = Weeks(desk, next(count))
        for name, *more in steps:
            try:
                getattr(weeks, name)(*more)
            except LoyaltyError:
                continue  # too few points, a hold that is open, one card twice
        for hours in (24 * 40, *[24] * 5):
            weeks.passes(hours)
            weeks.looks()
        assert all(desk.balance(id).posted == 0 for id in weeks.ids.values())

    any_weeks()
    desk.proved()
