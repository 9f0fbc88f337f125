"""Receipts, returns, journeys, passes, pauses and commands race, and all sums hold."""

import heapq
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select, text

from loyalty import campaigns
from loyalty.campaign_turn import take_campaign_turn
from loyalty.errors import LoyaltyError
from loyalty.journeys.turn import take_turn
from loyalty.operate import Command, command
from storage import tables
from storage.outbox import SqlOutbox
from storage.proof import prove
from storage.queries.runs import stuck
from storage.store import SqlStore
from tests.storage.front_desk import MONTH, FrontDesk
from tests.storage.rows import StillClock

MEMBERS = 8
COMMANDS: tuple[Command, ...] = ("retry", "skip", "cancel", "retry", "retry")
SECONDS = 2.0
WELCOME, PACK = "new-member-bonus", "monthly-task-pack"


@dataclass
class Worker:
    """Relay and worker in one: starts, nudges and timers as Temporal would keep them."""

    store: SqlStore
    clock: StillClock
    turns: dict[str, int] = field(default_factory=dict)
    awake: set[str] = field(default_factory=set)
    timers: list[tuple[Any, str, int]] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    def relay(self) -> int:
        now = self.clock.now()
        with self.store.database.write() as connection:
            outbox = SqlOutbox(connection, now)
            rows = outbox.take(100)
            outbox.sent({row.id: None for row in rows})
        for row in rows:
            if row.kind.startswith("start"):
                self.turns.setdefault(row.workflow_id, 0)
                self.awake.add(row.workflow_id)
            elif row.workflow_id in self.turns and row.workflow_id not in self.ended:
                self.awake.add(row.workflow_id)
        return len(rows)

    def fire(self) -> None:
        while self.timers and self.timers[0][0] <= self.clock.now():
            _, subject, turn = heapq.heappop(self.timers)
            if self.turns.get(subject) == turn and subject not in self.ended:
                self.awake.add(subject)

    def work(self, pool: ThreadPoolExecutor) -> int:
        """One turn of everything that is awake, at once."""
        self.relay()
        self.fire()
        subjects, self.awake = sorted(self.awake), set()
        for subject, outcome in zip(subjects, pool.map(self._take, subjects), strict=True):
            if outcome["ended"]:
                self.ended.add(subject)
                continue
            self.turns[subject] = outcome["next_turn"]
            if outcome["sleep_seconds"] == 0:
                self.awake.add(subject)
            elif outcome["sleep_seconds"] is not None:
                due = self.clock.now() + timedelta(seconds=outcome["sleep_seconds"])
                heapq.heappush(self.timers, (due, subject, outcome["next_turn"]))
        return len(subjects)

    def _take(self, subject: str) -> dict[str, Any]:
        turn = self.turns[subject]
        if subject.startswith("c/"):
            return self.store.run(lambda tx: take_campaign_turn(tx, subject[2:], turn))
        return self.store.run(lambda tx: take_turn(tx, subject, turn))


@dataclass
class Crowd:
    """Tills, an app and operators, each minding nobody else."""

    desk: FrontDesk
    over: threading.Event = field(default_factory=threading.Event)
    refused: list[LoyaltyError] = field(default_factory=list)

    def shop(self, seed: int) -> None:
        chance = Random(seed)
        bought: list[str] = []
        for n in range(100_000):
            if self.over.is_set():
                return
            who = f"m{chance.randrange(MEMBERS)}"
            at = self.desk.clock.now() - timedelta(minutes=chance.randrange(3000))
            try:
                if bought and chance.random() < 0.3:
                    self.desk.returns(bought.pop(), id=f"back/{seed}/{n}")
                elif chance.random() < 0.3:
                    self.desk.does(who, "check_in", id=f"in/{seed}/{n}", occurred_at=at)
                else:
                    self.desk.buys(who, f"r/{seed}/{n}", ("fresh", 9_900, 2), occurred_at=at)
                    bought.append(f"r/{seed}/{n}")
            except LoyaltyError as refused:
                self.refused.append(refused)

    def operate(self, seed: int) -> None:
        chance = Random(seed)
        while not self.over.is_set():
            campaign = chance.choice((WELCOME, PACK))
            self.desk.pause(campaign)
            time.sleep(chance.random() / 50)
            self.desk.resume(campaign)
            for run in self.desk.enrolments(f"m{chance.randrange(MEMBERS)}"):
                self.command(run.id, chance.choice(COMMANDS))

    def command(self, run: str, word: Command) -> None:
        try:
            self.desk.store.run(lambda tx: command(tx, run, word, "trying", "olga"))
        except LoyaltyError as refused:
            self.refused.append(refused)


def test_all_at_once_everything_adds_up_and_nobody_is_forgotten(
    store: SqlStore, clock: StillClock
) -> None:
    """After two wild seconds and three quiet months every run has ended and every sum holds."""
    clock.instant = MONTH - timedelta(minutes=30)
    desk = FrontDesk(store, clock)
    desk.launch("new_member_bonus")
    desk.launch("monthly_task_pack")
    crowd, worker = Crowd(desk), Worker(store, clock)
    with ThreadPoolExecutor(8) as pool:
        worker.work(pool)
        desk.joins("m0")
        for n in range(1, MEMBERS):
            desk.joins(f"m{n}", invited_by=f"m{(n - 1) // 2}")
        until = time.monotonic() + SECONDS
        acts = [
            pool.submit(crowd.shop, 1),
            pool.submit(crowd.shop, 2),
            pool.submit(crowd.operate, 3),
        ]
        while time.monotonic() < until:
            worker.work(pool)
            clock.instant += timedelta(minutes=20)
        crowd.over.set()
        for act in acts:
            act.result(10)
        store.run(lambda tx: campaigns.stop(tx, PACK, "over", "mia"))
        for _ in range(100):
            while worker.work(pool):
                clock.instant += timedelta(seconds=2)
            clock.instant += timedelta(days=1)
    assert desk.count(tables.inbox) > MEMBERS
    assert desk.count(tables.enrolments) >= MEMBERS
    _all_is_well(desk)


def _all_is_well(desk: FrontDesk) -> None:
    e, c = tables.enrolments, tables.campaigns
    with desk.store.database.read() as connection:
        proof = prove(connection)
        assert proof.ok, proof.first_broken
        assert stuck(connection, desk.clock.now()) == []
        states = connection.execute(select(e.c.state, func.count()).group_by(e.c.state)).all()
        assert [row[0] for row in states] == ["ended"], states
        for row in connection.execute(select(c)):
            granted, reserved = connection.execute(
                select(func.sum(e.c.granted_points), func.sum(e.c.reserved_points)).where(
                    e.c.campaign_id == row.id
                )
            ).one()
            assert (row.granted_points, row.reserved_points) == (granted or 0, 0), row.id
            assert reserved in (0, None)
        if connection.dialect.name == "postgresql":
            locked = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            assert connection.execute(text(locked)).scalar_one() == 0
