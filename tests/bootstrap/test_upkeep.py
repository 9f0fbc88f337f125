"""Regular care, on a real database: what should have happened by itself, and did not."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment

from activities.upkeep import UpkeepReport
from bootstrap.clock import FileClock
from bootstrap.processes import keep_upkeep
from bootstrap.upkeep import WORKFLOW_ID, Care
from bootstrap.walk import Faults
from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.journeys.load import load
from loyalty.journeys.turn import take_turn
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.registration import Registration, register
from storage.database import Database
from storage.proof import prove
from storage.queries.upkeep import dead_rows
from storage.store import SqlStore
from storage.tables import accounts, outbox
from storage.verifications import last_verification
from tests.conftest import DatabaseMaker
from tests.storage.exchange_desk import HOLD, PRICE, Desk
from tests.storage.rows import StillClock

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
TEMPLATE = Path(__file__).parents[2] / "campaign_templates" / "new_member_bonus"
RUN = "j/welcome/lee/once"


class Shop:
    def __init__(self, database: Database, clock: FileClock) -> None:
        self.database = database
        self.clock = clock
        self.store = SqlStore(database, clock, Programme())
        self.care = Care(self.store, clock)

    def in_line(self) -> list[tuple[str, str]]:
        """What the relay would send, and nothing else has sent."""
        with self.database.read() as connection:
            query = outbox.select().where(outbox.c.sent_at.is_(None)).order_by(outbox.c.id)
            return [(row.kind, row.workflow_id) for row in connection.execute(query)]

    def relay_sends_all(self) -> None:
        with self.database.write() as connection:
            connection.execute(outbox.update().values(sent_at=self.clock.now()))


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, new_database: DatabaseMaker, tmp_path: Path) -> Shop:
    clock = FileClock(tmp_path / "clock")
    clock.set(NOON)
    return Shop(new_database(request.param), clock)


def asleep_until(shop: Shop) -> datetime:
    """When the run means to wake up."""
    run = shop.store.read(lambda tx: tx.enrolments.get(RUN))
    assert run is not None
    assert run.wake_at is not None
    return run.wake_at


def launched(shop: Shop) -> None:
    """A campaign that lee has entered, and whose first turn is taken."""
    request = CampaignRequest(
        id="welcome", name="Welcome", template="new_member_bonus", holdout_percent=0
    )

    def work(tx: Transaction) -> None:
        campaigns.draft(tx, load(TEMPLATE), request, "test", lambda made: [])
        campaigns.launch(tx, "welcome", 1, "test")
        register(tx, Registration(id="lee"))

    shop.store.run(work)
    shop.store.run(lambda tx: take_turn(tx, RUN, 0))
    shop.relay_sends_all()


def test_lapsed_points_are_booked_out(shop: Shop) -> None:
    """Points whose time is over leave the book by themselves, once, and the sums still hold."""
    ends = NOON + timedelta(days=30)
    shop.store.run(lambda tx: register(tx, Registration(id="lee")))
    shop.store.run(lambda tx: tx.ledger.earn("k", "lee", 70, expires_at=ends))
    assert shop.care().lapsed_members == 0

    shop.clock.set(ends)

    assert shop.care().lapsed_members == 1
    assert shop.care().lapsed_members == 0
    assert shop.store.read(lambda tx: tx.ledger.balance("lee")).posted == 0
    with shop.database.read() as connection:
        proof = prove(connection)
    assert proof.ok
    assert proof.lapsed == 70


def test_whoever_cannot_be_looked_after_is_in_nobodys_way(shop: Shop) -> None:
    """One member's broken row is counted and logged; the others' points, and the sums, go on."""
    ends = NOON + timedelta(days=30)

    def join(tx: Transaction) -> None:
        for name in ("ann", "bob", "lee"):
            register(tx, Registration(id=name))
            tx.ledger.earn(name, name, 70, expires_at=ends)

    shop.store.run(join)
    with shop.database.write() as connection:
        connection.execute(delete(accounts).where(accounts.c.id == "member:bob"))
    shop.clock.set(ends)

    report = shop.care()

    assert (report.lapsed_members, report.failed) == (2, 1)
    assert report.broken_sums > 0


def test_a_part_that_fails_stops_no_other(shop: Shop) -> None:
    """Where tiers cannot be reviewed at all, runs are started again all the same."""
    launched(shop)
    shop.clock.set(NOON + timedelta(days=400))
    with shop.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE tier_reviews RENAME TO lost")

    report = shop.care()

    assert (report.restarted_runs, report.failed) == (1, 1)


def test_a_worker_that_is_told_to_end_begins_nothing_more(shop: Shop) -> None:
    """It ends in time, and the next round does what this one has left."""
    shop.store.run(lambda tx: register(tx, Registration(id="lee")))
    shop.store.run(lambda tx: tx.ledger.earn("k", "lee", 70, expires_at=NOON))
    worker = ActivityEnvironment()
    worker.worker_shutdown()

    assert worker.run(shop.care) == UpkeepReport()
    assert shop.care().lapsed_members == 1


def test_an_end_at_once_is_no_fault() -> None:
    """When its time to end is over, the work under way is broken off and not gone on with."""
    faults = Faults()

    with pytest.raises(CancelledError), faults.noted("lee"):
        raise CancelledError
    assert faults.count == 0


def test_a_run_on_its_way_is_left_alone(shop: Shop) -> None:
    """Whoever sleeps until a later instant is not disturbed."""
    launched(shop)

    assert shop.care().restarted_runs == 0
    assert shop.in_line() == []


def test_a_run_that_nothing_would_wake_is_started_again(shop: Shop) -> None:
    """A journey whose timer was lost goes on where it was; a second round leaves it time."""
    launched(shop)
    wake_at = asleep_until(shop)
    shop.clock.set(wake_at + timedelta(minutes=11))

    assert shop.care().restarted_runs == 1
    assert shop.in_line() == [("start_journey", RUN), ("nudge_journey", RUN)]
    assert shop.care().restarted_runs == 0

    shop.relay_sends_all()
    assert shop.care().restarted_runs == 0

    shop.clock.set(wake_at + timedelta(hours=2))
    assert shop.care().restarted_runs == 1


def test_a_row_that_was_given_up_on_is_reported(shop: Shop) -> None:
    """What the relay cannot deliver is counted until an operator has mended it."""
    shop.store.run(lambda tx: tx.outbox.add("nudge_journey", RUN, {"reason": "test"}))
    with shop.database.write() as connection:
        connection.execute(outbox.update().values(dead_at=NOON, last_error="INVALID_ARGUMENT"))

    report = shop.care()

    assert report.outbox_dead == 1
    assert report.outbox_due == 0
    with shop.database.read() as connection:
        assert [row["workflow_id"] for row in dead_rows(connection)] == [RUN]


def test_the_ledger_is_added_up_once_a_day(shop: Shop) -> None:
    """How it ended is kept, and what does not add up is counted until it does."""
    shop.store.run(lambda tx: register(tx, Registration(id="lee")))
    shop.store.run(lambda tx: tx.ledger.earn("k", "lee", 70))
    assert shop.care().broken_sums == 0
    with shop.database.write() as connection:
        connection.execute(accounts.update().where(accounts.c.id == "member:lee").values(balance=9))

    assert shop.care().broken_sums == 0, "it was added up today"
    shop.clock.set(NOON + timedelta(hours=24))

    assert shop.care().broken_sums > 0
    with shop.database.read() as connection:
        last = last_verification(connection, "sums")
    assert last is not None
    assert (last["ok"], last["at"]) == (False, NOON + timedelta(hours=24))


def test_an_overdue_reservation_is_given_back(shop: Shop) -> None:
    """Stock and points of a reservation whose own order never settled it come back."""
    desk = Desk(shop.store, StillClock(NOON)).open(
        opens_at=NOON, closes_at=NOON + timedelta(days=1)
    )
    desk.members(lee=PRICE)
    desk.reserve("lee")
    assert shop.care().overdue_claims == 0

    shop.clock.set(NOON + HOLD + timedelta(minutes=2))

    assert shop.care().overdue_claims == 1
    assert shop.care().overdue_claims == 0
    assert shop.store.read(lambda tx: tx.ledger.balance("lee")).available == PRICE
    offer = shop.store.read(lambda tx: tx.offers.get(desk.offer_id))
    assert offer is not None
    assert offer.remaining == 5


async def test_an_upkeep_that_was_ended_comes_back(temporal: Client) -> None:
    """Whoever terminates it ends a round, not the care."""
    stop, ended = asyncio.Event(), set[str]()
    keeping = asyncio.create_task(keep_upkeep(temporal, "upkeep-test", stop, seconds=0.05))
    try:
        async with asyncio.timeout(20):
            while len(ended) < 2:
                with suppress(RPCError):  # it is not there yet, or not there again
                    found = await temporal.get_workflow_handle(WORKFLOW_ID).describe()
                    if found.status == WorkflowExecutionStatus.RUNNING:
                        await temporal.get_workflow_handle(WORKFLOW_ID).terminate()
                        ended.add(found.run_id)
                await asyncio.sleep(0.01)
    finally:
        stop.set()
        await keeping
        with suppress(RPCError):
            await temporal.get_workflow_handle(WORKFLOW_ID).terminate()
    assert len(ended) == 2
