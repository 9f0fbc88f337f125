"""Any few weeks of any members: nobody loses points at an instant that he was not told of in time.

What was said is read from the events that campaigns begin with, and added up here on its own.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from loyalty.errors import LoyaltyError
from loyalty.expiry import EXPIRING, undated_until
from loyalty.ledger import Posted
from storage import tables
from storage.database import Database
from tests.storage.expiry_desk import Told, desk_of

NOTICE = timedelta(days=3)
MEMBERS = ("lee", "kim", "ann")

who = st.sampled_from(MEMBERS)
some = st.sampled_from([1, 10, 40, 300])
passes = st.tuples(st.just("passes"), st.sampled_from([1, 11, 24, 60, 24 * 20]))
looks = st.tuples(st.just("looks"))
step = st.one_of(
    passes,
    passes,
    looks,
    looks,
    st.tuples(st.just("gets"), who, some, st.sampled_from([None, None, 1, 2, 3, 4, 9])),
    st.tuples(st.just("gets"), who, some, st.sampled_from([2, 3, 4])),
    st.tuples(st.just("buys"), who),
    st.tuples(st.just("spends"), who, some),
    st.tuples(st.just("hands"), who, who, some),
    st.tuples(st.just("sets_aside"), who, some),
    st.tuples(st.just("lets_go")),
    st.tuples(st.just("merges"), who, who),
)


class Weeks:
    """Members who remember what they were told, and what they lost for it."""

    def __init__(self, desk: Told, number: int) -> None:
        self.desk = desk
        self.ids = {name: f"{name}{number}" for name in MEMBERS}
        self.heard: dict[str, dict[datetime, tuple[datetime, int]]] = defaultdict(dict)
        self.holds: list[str] = []
        self.numbers: Iterator[int] = desk.numbers
        self.read, self.lost = self._last(tables.inbox.c.seq), self._last(tables.transactions.c.id)
        for id in self.ids.values():
            desk.joins(id)

    def _last(self, column: Any) -> int:
        rows = self.desk._rows(select(column).order_by(column.desc()).limit(1))
        return rows[0][0] if rows else 0

    def passes(self, hours: int) -> None:
        self.desk.clock.instant += timedelta(hours=hours)

    def gets(self, name: str, points: int, days: int | None) -> None:
        """Points of some midnight that is near, or without a date."""
        midnight = self.desk.clock.instant.replace(hour=0, minute=0)
        until = midnight + timedelta(days=days) if days else None
        self.desk.has(self.ids[name], points, until)

    def buys(self, name: str) -> None:
        self.desk.buys(self.ids[name], f"r{next(self.numbers)}", ("grocery", 1_000))

    def spends(self, name: str, points: int) -> None:
        self.desk.spends(self.ids[name], points)

    def hands(self, name: str, to: str, points: int) -> None:
        self.desk.hands(self.ids[name], self.ids[to], points)

    def sets_aside(self, name: str, points: int) -> None:
        """For half a week, unless it is let go before."""
        key, until = f"hold/{next(self.numbers)}", self.desk.clock.now() + timedelta(hours=80)
        work = self.desk.store.run
        work(lambda tx: tx.ledger.hold(key, self.ids[name], points, expires_at=until))
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
        for at, (when, points) in self.heard.pop(gone, {}).items():
            known = self.heard[stays].get(at, (when, 0))
            self.heard[stays][at] = (max(when, known[0]), points + known[1])

    def looks(self) -> None:
        self.desk.round()
        self._hear()
        self._lose()

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
            undated = 0
            for lot in posted.lots:
                if lot.expires_at is None:
                    undated += abs(lot.points)
                else:
                    self._was_told(posted.member_id, lot.expires_at, abs(lot.points))
            self._without_a_date(posted.member_id, undated)

    def _posted(self, key: str) -> Posted:
        return self.desk.store.read(lambda tx: tx.ledger.transaction(key))

    def _was_told(self, member_id: str, at: datetime, points: int) -> None:
        when, told = self.heard[member_id][at]
        assert when + NOTICE <= at <= self.desk.clock.now()
        assert points <= told
        self.heard[member_id][at] = (when, told - points)

    def _without_a_date(self, member_id: str, points: int) -> None:
        """They lapse when the policy says, or later where they were announced later."""
        programme = self.desk.store.read(lambda tx: tx.programme)
        member = self.desk.member(member_id)
        ends = undated_until(programme.expiry, member, programme.tz)
        assert ends is not None
        for at, (_, told) in sorted(self.heard[member_id].items()):
            if points and ends <= at <= self.desk.clock.now():
                part = min(points, told)
                self._was_told(member_id, at, part)
                points -= part
        assert points == 0


def test_nobody_loses_more_than_was_announced_in_time(database: Database) -> None:
    """Gifts, purchases, burns, holds and mergers in any order; in the end all has lapsed."""
    desk = desk_of(database, policy="inactivity", months=1, notice_days=NOTICE.days)
    count = iter(range(10_000))

    @settings(
        max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(steps=st.lists(step, min_size=5, max_size=40))
    def any_weeks(steps: list[tuple[Any, ...]]) -> None:
        weeks = Weeks(desk, next(count))
        for name, *more in steps:
            try:
                getattr(weeks, name)(*more)
            except LoyaltyError:
                continue  # too few points, a hold that is open, one card twice
        while weeks.holds:
            weeks.lets_go()
        for hours in (24 * 40, *[24] * 5):
            weeks.passes(hours)
            weeks.looks()
        assert all(desk.balance(id).posted == 0 for id in weeks.ids.values())

    any_weeks()
    desk.proved()
