"""The relay against a real server: nothing lost, nothing twice, whoever is down."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus

from bootstrap.converter import data_converter
from bootstrap.relay import TRIES_MAX, Relay
from bootstrap.temporal import CAMPAIGN, ENTRY, MEMBER, TEMPLATE, DevServer, connect
from loyalty.journeys.turn import take_turn
from loyalty.programme import Programme
from storage.database import Database
from storage.outbox import SqlOutbox
from storage.store import SqlStore
from storage.tables import outbox
from tests.reference_journey import END, WAIT, Script, worker_for
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
_members = (f"lee{number}" for number in count(1))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'relay.sqlite3'}", synchronous="OFF")
    database.create_all()
    return database


@pytest.fixture
def member() -> str:
    return next(_members)


def brief(member: str, **more: Any) -> dict[str, Any]:
    return {
        "enrolment_id": f"j/spring/{member}/once",
        "campaign_id": "spring",
        "version": 1,
        "template": "reference_journey",
        "member_ref": member,
        "plan_hash": "0" * 64,
        **more,
    }


def write(database: Database, kind: str, workflow_id: str, payload: dict[str, Any]) -> int:
    return database.run(lambda c: SqlOutbox(c, NOW).add(kind, workflow_id, payload))


def row(database: Database, number: int) -> Row[Any]:
    with database.read() as connection:
        return connection.execute(select(outbox).where(outbox.c.id == number)).one()


def unmark(database: Database, *numbers: int) -> None:
    """As if the relay had died after sending, before it could say so."""
    with database.write() as connection:
        connection.execute(outbox.update().where(outbox.c.id.in_(numbers)).values(sent_at=None))


def relay_for(database: Database, client: Client, queue: str) -> Relay:
    store = SqlStore(database, StillClock(NOW), Programme())
    return Relay(store, client, StillClock(NOW), task_queue=queue)


async def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_journey_is_started_with_what_operators_search_by(
    database: Database, temporal: Client, member: str
) -> None:
    """The started run bears its template's name, its summary and its search attributes."""
    number = write(database, "start_journey", f"j/spring/{member}/once", brief(member))

    await relay_for(database, temporal, member).deliver_due()

    run = await temporal.get_workflow_handle(f"j/spring/{member}/once").describe()
    assert run.workflow_type == "reference_journey"
    assert await run.static_summary() == f"spring - {member}"
    found = {key: run.typed_search_attributes.get(key) for key in (CAMPAIGN, MEMBER, ENTRY)}
    assert found == {CAMPAIGN: "spring", MEMBER: member, ENTRY: "once"}
    assert run.typed_search_attributes.get(TEMPLATE) == "reference_journey"
    assert row(database, number).sent_at == NOW


async def test_a_relay_that_dies_before_marking_sends_again_without_harm(
    database: Database, temporal: Client, member: str
) -> None:
    """Start and nudge go out twice; the server keeps one run and one nudge."""
    workflow_id = f"j/spring/{member}/once"
    start = write(database, "start_journey", workflow_id, brief(member))
    nudge = write(database, "nudge_journey", workflow_id, {"reason": "purchase"})
    relay = relay_for(database, temporal, member)

    await relay.deliver_due()
    first = await temporal.get_workflow_handle(workflow_id).describe()
    unmark(database, start, nudge)
    await relay.deliver_due()

    handle = temporal.get_workflow_handle(workflow_id)
    kinds = [event.event_type async for event in handle.fetch_history_events()]
    assert (await handle.describe()).run_id == first.run_id
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) == 1
    assert row(database, start).sent_at == row(database, nudge).sent_at == NOW


async def test_an_ended_journey_is_neither_restarted_nor_waited_for(
    database: Database, temporal: Client, member: str
) -> None:
    """A purchase after the end is late, not an error; the same entry does not start again."""
    workflow_id = f"j/spring/{member}/once"
    write(database, "start_journey", workflow_id, brief(member))
    relay = relay_for(database, temporal, member)
    async with worker_for(temporal, member, Script(END)):
        await relay.deliver_due()
        await temporal.get_workflow_handle(workflow_id).result()

    late = write(database, "nudge_journey", workflow_id, {"reason": "purchase"})
    again = write(database, "start_journey", workflow_id, brief(member))
    await relay.deliver_due()

    assert (row(database, late).sent_at, row(database, late).last_error) == (NOW, "late")
    assert row(database, again).last_error == "already started"


async def test_a_run_that_died_is_started_again_by_what_somebody_wants_it_to_see(
    database: Database, temporal: Client, member: str
) -> None:
    """Terminated in Temporal's tools; the member's order does not wait for a deadline of weeks."""
    clock = StillClock(NOW)
    desk = FrontDesk(SqlStore(database, clock, Programme()), clock)
    relay = relay_for(database, temporal, member)
    campaign = desk.launch("new_member_bonus")
    desk.joins(member)
    desk.take_turns(member)
    while await relay.deliver_due():
        pass
    journey = temporal.get_workflow_handle(desk.enrolment(member).id)
    runs = (journey, temporal.get_workflow_handle(f"c/{campaign}"))
    died = [(await run.describe()).run_id for run in runs]
    for run in runs:
        await run.terminate()

    desk.buys(member, "first", ("grocery", 5_000))
    desk.pause(campaign)
    while await relay.deliver_due():
        pass

    for run, before in zip(runs, died, strict=True):
        now = await run.describe()
        assert (now.status, now.run_id == before) == (WorkflowExecutionStatus.RUNNING, False)
    assert desk.outbox("start_journey")[-1].payload["turn"] == desk.enrolment(member).turn
    kinds = [event.event_type async for event in journey.fetch_history_events()]
    assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED not in kinds


async def test_numbers_that_a_restored_database_gives_again_are_no_repeats(
    database: Database, temporal: Client, member: str
) -> None:
    """The same row of another instant is another wish; a start that finds the run nudges it."""
    workflow_id = f"j/spring/{member}/once"
    start = write(database, "start_journey", workflow_id, brief(member))
    nudge = write(database, "nudge_journey", workflow_id, {"reason": "purchase"})
    relay = relay_for(database, temporal, member)
    await relay.deliver_due()

    with database.write() as connection:
        another = NOW - timedelta(minutes=1)
        connection.execute(outbox.update().values(sent_at=None, created_at=another))
    await relay.deliver_due()

    history = temporal.get_workflow_handle(workflow_id).fetch_history_events()
    kinds = [event.event_type async for event in history]
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) == 3
    assert row(database, start).sent_at == row(database, nudge).sent_at == NOW


def test_a_workflow_ahead_of_a_restored_database_is_led_back(database: Database) -> None:
    """It asks for a turn that this database never came to: told which is next, it takes that."""
    clock = StillClock(NOW)
    desk = FrontDesk(SqlStore(database, clock, Programme()), clock)
    welcome = desk.launch("new_member_bonus")
    desk.joins("lee")
    desk.take_turns("lee")

    run = desk.enrolment("lee")
    told = desk.store.run(lambda tx: take_turn(tx, run.id, run.turn + 4))
    campaign_told = desk.campaign_turn(welcome, 7)

    assert (told["ended"], told["next_turn"], told["sleep_seconds"]) == (False, run.turn, 0.0)
    assert (campaign_told["next_turn"], campaign_told["sleep_seconds"]) == (0, 0.0)
    assert (desk.enrolment("lee"), desk.campaign(welcome).turn) == (run, 0)


async def test_rows_for_one_journey_arrive_in_order(
    database: Database, temporal: Client, member: str
) -> None:
    """Thirty nudges arrive as they were written."""
    workflow_id = f"j/spring/{member}/once"
    write(database, "start_journey", workflow_id, brief(member))
    for number in range(30):
        write(database, "nudge_journey", workflow_id, {"reason": f"purchase {number:02}"})

    await relay_for(database, temporal, member).deliver_due()

    reasons = [
        event.workflow_execution_signaled_event_attributes.input.payloads[0].data
        async for event in temporal.get_workflow_handle(workflow_id).fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
    assert len(reasons) == 30
    assert reasons == sorted(reasons, key=lambda reason: reason.partition(b"reason")[2])


async def test_a_row_that_makes_no_sense_is_laid_aside(
    database: Database, temporal: Client, member: str
) -> None:
    """After a few tries an unreadable row is marked dead with its reason; others pass."""
    wrong = write(database, "start_journey", f"j/spring/{member}/once", {"campaign_id": "spring"})
    right = write(database, "start_journey", f"j/spring/{member}b/once", brief(f"{member}b"))
    relay = relay_for(database, temporal, member)
    for _ in range(TRIES_MAX + 1):
        await relay.deliver_due()

    assert row(database, right).sent_at == NOW
    assert row(database, wrong).dead_at == NOW
    assert row(database, wrong).attempts == TRIES_MAX
    assert "enrolment_id" in row(database, wrong).last_error


async def test_while_temporal_is_down_nothing_is_lost(
    database: Database, tmp_path: Path, member: str
) -> None:
    """The server dies, its state on disk; what was decided meanwhile arrives when it is back."""
    server = DevServer(log=tmp_path / "log", database=tmp_path / "temporal.db")
    await server.start()
    client = await connect(server.address, converter=data_converter())
    relay = relay_for(database, client, member)
    running = asyncio.create_task(relay.run())
    workflow_id = f"j/spring/{member}/once"
    script = Script(WAIT, END)
    try:
        started = write(database, "start_journey", workflow_id, brief(member))
        await until(lambda: row(database, started).sent_at is not None)
        server.kill()
        nudged = write(database, "nudge_journey", workflow_id, {"reason": "purchase"})
        await until(lambda: row(database, nudged).attempts > 0)
        assert row(database, nudged).sent_at is None

        await server.start()
        await until(lambda: row(database, nudged).sent_at is not None)
        async with worker_for(client, member, script):
            # The nudge came before the first turn, which looks at everything: one turn answers it.
            await until(lambda: script.turns == [0])
    finally:
        relay.stop()
        await running
        await server.stop()
