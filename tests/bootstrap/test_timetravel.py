"""Months of a programme in seconds, every wait at its full length."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from temporalio.client import Client

from activities.contracts import TurnOutcome, TurnRequest
from activities.journey import JourneyActivities
from bootstrap.clock import FileClock
from bootstrap.relay import Relay
from bootstrap.timetravel import StoodStill, Timetravel, sleepers
from bootstrap.worker import build_worker
from loyalty.programme import Programme
from storage.database import Database
from storage.outbox import SqlOutbox
from storage.store import SqlStore
from storage.tables import enrolments

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Diary:
    """Journeys that wait as told, turn by turn, and note at what hour each turn was taken."""

    def __init__(self, database: Database, clock: FileClock, waits: list[timedelta]) -> None:
        self._database, self._clock, self._waits = database, clock, waits
        self._lock = threading.Lock()
        self.turns: list[tuple[str, int, datetime]] = []

    def __call__(self, request: TurnRequest) -> TurnOutcome:
        now = max(self._clock.now(), request.due or START)
        with self._lock:
            self.turns.append((request.subject, request.turn, now))
        if request.turn == len(self._waits):
            self._save(request, state="ended", wake_at=None)
            return TurnOutcome(ended=True, outcome="completed")
        wait = self._waits[request.turn]
        self._save(request, state="waiting", wake_at=now + wait)
        return TurnOutcome(ended=False, sleep_seconds=wait.total_seconds(), wake_at=now + wait)

    def _save(self, request: TurnRequest, **row: object) -> None:
        change = update(enrolments).where(enrolments.c.id == request.subject)
        self._database.run(lambda c: c.execute(change.values(turn=request.turn + 1, **row)))

    def at_rest(self) -> bool:
        with self._database.read() as connection:
            admitted = connection.execute(
                select(func.count()).where(enrolments.c.state == "admitted")
            ).scalar_one()
            return admitted == 0 and SqlOutbox(connection, self._clock.now()).due() == 0


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'travel.sqlite3'}", synchronous="OFF")
    database.create_all()
    return database


@pytest.fixture
def clock(tmp_path: Path) -> FileClock:
    clock = FileClock(tmp_path / "clock")
    clock.set(START)
    return clock


def enrol(database: Database, campaign: str, members: int) -> None:
    with database.write() as connection:
        outbox = SqlOutbox(connection, START)
        for number in range(members):
            journey = f"j/{campaign}/m{number}/once"
            connection.execute(
                insert(enrolments).values(
                    id=journey,
                    campaign_id=campaign,
                    version=1,
                    template="reference_journey",
                    member_id=f"m{number}",
                    entry_key="once",
                    arm="treated",
                    state="admitted",
                    admitted_at=START,
                    position={},
                    remembered={},
                )
            )
            brief = {
                "enrolment_id": journey,
                "campaign_id": campaign,
                "version": 1,
                "template": "reference_journey",
                "member_ref": f"m{number}",
                "plan_hash": "0" * 64,
            }
            outbox.add("start_journey", journey, brief)


async def test_each_journey_wakes_at_its_own_hour(
    temporal: Client, database: Database, clock: FileClock
) -> None:
    """Twenty journeys of 1, 3 and 30 days: each turn is taken once, at the hour it is due."""
    waits = [timedelta(days=1), timedelta(days=3), timedelta(days=30)]
    diary = Diary(database, clock, waits)
    enrol(database, "travel", 20)
    travel = Timetravel(temporal, clock, sleepers(database), diary.at_rest)
    relay = Relay(SqlStore(database, clock, Programme()), temporal, clock, task_queue="travel")
    running = asyncio.create_task(relay.run())
    async with build_worker(temporal, "travel", [JourneyActivities(diary).apply_step], strict=True):
        assert await travel.advance_to(START + timedelta(days=2)) == 20
        assert {turn for _, turn, _ in diary.turns} == {0, 1}
        assert clock.now() == START + timedelta(days=2)

        assert await travel.advance_to(START + timedelta(days=60)) == 40
    relay.stop()
    await running

    days = [0, 1, 4, 34]
    assert sorted(diary.turns) == sorted(
        (f"j/travel/m{number}/once", turn, START + timedelta(days=day))
        for number in range(20)
        for turn, day in enumerate(days)
    )


async def test_nobody_is_left_asleep_unnoticed(
    temporal: Client, database: Database, clock: FileClock
) -> None:
    """If time passes and a member does not wake, the journey through time stops and says who."""
    diary = Diary(database, clock, [timedelta(days=1)])
    enrol(database, "nobody", 1)
    travel = Timetravel(temporal, clock, sleepers(database), diary.at_rest, patience=1.5)
    relay = Relay(SqlStore(database, clock, Programme()), temporal, clock, task_queue="nobody")
    async with build_worker(temporal, "nobody", [JourneyActivities(diary).apply_step]):
        await relay.deliver_due()
        await travel.settle()

    with pytest.raises(StoodStill, match="j/nobody/m0/once"):
        await travel.advance_to(START + timedelta(days=2))


async def test_a_hundred_members_wait_ninety_days_in_seconds(
    temporal: Client, database: Database, clock: FileClock
) -> None:
    """A demonstration's worth of waits goes by fast enough to watch: over twenty a second."""
    diary = Diary(database, clock, [timedelta(days=15)] * 6)
    enrol(database, "ninety", 100)
    travel = Timetravel(temporal, clock, sleepers(database), diary.at_rest)
    relay = Relay(SqlStore(database, clock, Programme()), temporal, clock, task_queue="ninety")
    running = asyncio.create_task(relay.run())
    async with build_worker(temporal, "ninety", [JourneyActivities(diary).apply_step]):
        await travel.settle()
        began = time.monotonic()
        woken = await travel.advance_to(START + timedelta(days=91))
        rate = woken / (time.monotonic() - began)
    relay.stop()
    await running

    assert woken == 600
    assert len(diary.turns) == 700
    assert rate > 20, rate
