"""A member's journey on a real server: it wakes on time, when nudged, and never twice."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from urllib.request import urlopen

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from activities.contracts import CampaignBrief, Nudge, OrderBrief, TurnOutcome
from bootstrap.temporal import DevServer
from bootstrap.timetravel import elapse_wait
from loyalty.errors import Unknown
from tests.reference_journey import END, START, WAIT, Script, begin, worker_for

_queues = (f"m{number}" for number in count(1))
Journey = WorkflowHandle[object, str]


@pytest.fixture
def queue() -> str:
    return next(_queues)


async def until(happened: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def asleep(journey: Journey) -> None:
    """The journey has set its timer (its last event says so)."""
    async with asyncio.timeout(10):
        while EventType.EVENT_TYPE_TIMER_STARTED not in await kinds(journey):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def kinds(journey: Journey) -> list[int]:
    return [event.event_type async for event in journey.fetch_history_events()]


async def billed(server: DevServer) -> float:
    """Billable actions so far; the server adds to its counters about once a second."""
    counted = -1.0
    while counted != (now := _action_counter(server)):
        counted = now
        await asyncio.sleep(1.5)
    return counted


def _action_counter(server: DevServer) -> float:
    with urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics") as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("action{"))


async def test_three_days_pass_and_the_member_is_thanked(temporal: Client, queue: str) -> None:
    """Nobody buys: the journey goes on after its three days, at the instant it asked for."""
    script = Script(WAIT, END)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)
        await asleep(journey)

        await elapse_wait(temporal, journey.id)

        assert await journey.result() == "thanked"
    assert [request.due for request in script.requests] == [None, START + timedelta(days=3)]


async def test_a_purchase_wakes_the_journey_at_once(temporal: Client, queue: str) -> None:
    """A purchase on the first day does not wait for the third; no deadline is claimed reached."""
    script = Script(WAIT, END)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)
        await asleep(journey)

        await journey.signal("nudge", Nudge(outbox_id=1, reason="purchase"))

        assert await journey.result() == "thanked"
    assert [request.due for request in script.requests] == [None, None]


async def test_the_same_nudge_twice_is_one_look(temporal: Client, queue: str) -> None:
    """A nudge delivered twice costs one turn; the next real one is heard."""
    script = Script(WAIT, WAIT, END)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)
        await asleep(journey)

        await journey.signal("nudge", Nudge(outbox_id=7, reason="purchase"))
        await until(lambda: script.turns == [0, 1])
        await journey.signal("nudge", Nudge(outbox_id=7, reason="purchase"))
        await asyncio.sleep(0.5)
        seen = list(script.turns)
        await journey.signal("nudge", Nudge(outbox_id=8, reason="purchase"))

        assert await journey.result() == "thanked"
    assert seen == [0, 1]


async def test_a_number_that_a_restored_database_gives_again_is_heard(
    temporal: Client, queue: str
) -> None:
    """The same number of another instant is another nudge."""
    script = Script(WAIT, WAIT, END)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)
        await asleep(journey)

        await journey.signal("nudge", Nudge(outbox_id=7, reason="purchase", at=START))
        await until(lambda: script.turns == [0, 1])
        after = START + timedelta(hours=1)
        await journey.signal("nudge", Nudge(outbox_id=7, reason="purchase", at=after))

        assert await journey.result() == "thanked"


async def test_a_nudge_during_a_turn_is_not_lost(temporal: Client, queue: str) -> None:
    """What happens while a turn is at work is looked at by the next turn, without a wait."""

    def slow() -> TurnOutcome:
        time.sleep(0.5)
        return WAIT

    script = Script(slow, END)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)
        await until(lambda: script.turns == [0])

        await journey.signal("nudge", Nudge(outbox_id=1, reason="purchase"))

        assert await journey.result() == "thanked"


async def test_more_to_do_now_takes_the_next_turn_without_a_timer(
    temporal: Client, queue: str
) -> None:
    """A turn that leaves work for now is followed at once by the next."""
    script = Script(WAIT.model_copy(update={"sleep_seconds": 0}), END)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)

        assert await journey.result() == "thanked"
        assert EventType.EVENT_TYPE_TIMER_STARTED not in await kinds(journey)


async def test_a_database_away_is_outlasted(temporal: Client, queue: str) -> None:
    """Three failures here hand the turn to the server, which tries on until it succeeds."""
    failures = iter(range(4))

    def down_then_up() -> TurnOutcome:
        if next(failures, None) is not None:
            raise ConnectionError("the database is away")
        return END

    script = Script(down_then_up)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)

        assert await journey.result() == "thanked"
        assert await kinds(journey) == [1, 5, 6, 7, 25, 10, 11, 12, 5, 6, 7, 2]
    assert script.turns == [0] * 5


async def test_a_refusal_fails_loudly(temporal: Client, queue: str) -> None:
    """What the rules refuse is not tried again: the run fails, and says what to look at."""

    def refused() -> TurnOutcome:
        raise Unknown("enrolment", "j/reference/x/once")

    script = Script(refused)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)
        with pytest.raises(WorkflowFailureError) as failed:
            await journey.result()

    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "unknown"
    assert failed.value.cause.message == (
        f"Turn 0 of j/reference/{queue}/once was refused: "
        "There is no enrolment 'j/reference/x/once'."
    )
    assert script.turns == [0]


async def test_a_worker_without_memory_replays_to_the_same_place(
    temporal: Client, queue: str
) -> None:
    """A journey forgotten by its worker after every task comes to the same end, no turn twice."""
    script = Script(WAIT, WAIT, WAIT, END)
    async with worker_for(temporal, queue, script, cached_runs=0):
        journey = await begin(temporal, queue)
        await asleep(journey)
        for number in (1, 2, 3):
            await journey.signal("nudge", Nudge(outbox_id=number, reason="purchase"))
            await until(lambda number=number: script.turns[-1] == number)  # type: ignore[misc]

        assert await journey.result() == "thanked"
    assert script.turns == [0, 1, 2, 3]


async def test_the_reference_journey_keeps_its_price(
    temporal: Client, dev_server: DevServer, queue: str
) -> None:
    """At most 13 events and 5 billed actions, woken by its timer or by a purchase."""
    costs = {}
    for how in ("timer", "purchase"):
        script = Script(WAIT, END)
        before = await billed(dev_server)
        async with worker_for(temporal, f"{queue}-{how}", script):
            journey = await begin(temporal, f"{queue}-{how}")
            await asleep(journey)
            if how == "timer":
                await elapse_wait(temporal, journey.id)
            else:
                await journey.signal("nudge", Nudge(outbox_id=1, reason="purchase"))
            await journey.result()
            # Elapsing a wait in a test adds two events and an action, which production never has.
            skipping = (
                EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
                EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
            )
            own = [kind for kind in await kinds(journey) if kind not in skipping]
        costs[how] = (len(own), await billed(dev_server) - before - (how == "timer"))

    assert costs == {"timer": (12, 4), "purchase": (13, 5)}


async def test_what_it_waits_for_is_readable_in_the_web_ui(temporal: Client, queue: str) -> None:
    """An operator who opens the run reads what was done, and what the timer is for."""
    script = Script(WAIT, END)
    async with worker_for(temporal, queue, script):
        journey = await begin(temporal, queue)
        await asleep(journey)
        timers = [
            event.user_metadata.summary.data.decode()
            async for event in journey.fetch_history_events()
            if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
        ]
        metadata = await journey.query("__temporal_workflow_metadata", result_type=dict)
        await journey.terminate()

    assert timers == ['"Three days, or a purchase"']
    assert "Waiting for the first purchase" in str(metadata)


async def test_campaigns_and_orders_run_the_same_loop(temporal: Client, queue: str) -> None:
    """A campaign and an exchange order take turns, wait and end as journeys do."""
    script = Script(WAIT, END)
    briefs = {
        "campaign": CampaignBrief(campaign_id=queue, version=1, template="monthly_task_pack"),
        "exchange_order": OrderBrief(claim_id=queue, campaign_id="x"),
    }
    async with worker_for(temporal, queue, script):
        for kind, brief in briefs.items():
            run: Journey = await temporal.start_workflow(
                kind, brief, id=f"{kind}/{queue}", task_queue=queue, result_type=str
            )
            await asleep(run)
            await run.signal("nudge", Nudge(outbox_id=1, reason="resumed"))

            assert await run.result() == "thanked"
