"""What each journey costs on Temporal: history events and billable actions, measured.

    python -m benchmarks.costs

Plays every template through the product on a real server and reads the finished runs' histories.
Actions are counted by Temporal Cloud's rules from the history; where nothing else runs on the
server, the server's own `action` counter must agree, or this program says so and fails. The last
line is one JSON object.
"""

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError

from bootstrap.converter import data_converter
from bootstrap.temporal import DevServer, connect
from storage.database import Database
from storage.migrate import upgrade
from tests.stories import FIRST_DAY, Told, telling

TEMPLATES = Path(__file__).parent / "templates"
REFERENCE_EVENTS_MAX = 13
REFERENCE_ACTIONS_MAX = 5

# Elapsing a wait on the test server leaves these two; production never has them.
OF_TIME_SKIPPING = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
    }
)
ONE_ACTION_EACH = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    }
)


# What hands a run to its worker; a task without one is the server asking a slow machine again.
WAKES = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_TIMER_FIRED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
    }
)
PLAYS_MAX = 3


class Disturbed(Exception):
    """A run has workflow tasks that nothing in it asked for, so its events are not its own cost."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One finished run: how it ended, and what it took."""

    template: str
    path: str
    events: int
    actions: int


def events_of(history: Sequence[HistoryEvent]) -> int:
    """History events, without what elapsing a wait in a test adds."""
    return sum(event.event_type not in OF_TIME_SKIPPING for event in history)


def actions_of(history: Sequence[HistoryEvent]) -> int:
    """Billable actions by Temporal Cloud's rules: all markers of one workflow task are one."""
    singles = sum(event.event_type in ONE_ACTION_EACH for event in history)
    tasks = {
        event.marker_recorded_event_attributes.workflow_task_completed_event_id
        for event in history
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    }
    return singles + len(tasks)


class Counting:
    """The server's own action counter."""

    def __init__(self, server: DevServer) -> None:
        self._url = f"http://127.0.0.1:{server.metrics_port}/metrics"

    async def settled(self) -> int:
        """The count once it stands still; the server adds to it about once a second."""
        counted = -1
        while counted != (now := await asyncio.to_thread(self._read)):
            counted = now
            await asyncio.sleep(1.5)
        return counted

    def _read(self) -> int:
        with urlopen(self._url) as page:
            lines = page.read().decode().splitlines()
        return int(sum(float(li.rsplit(" ", 1)[1]) for li in lines if li.startswith("action{")))


async def cost_of(told: Told, run_id: str, template: str, path: str) -> Cost:
    handle = told.client.get_workflow_handle(run_id)
    await handle.result()
    history = [event async for event in handle.fetch_history_events()]
    kinds = [event.event_type for event in history]
    tasks = kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
    if tasks > sum(kind in WAKES for kind in kinds):
        raise Disturbed(f"{run_id}: {tasks} workflow tasks, more than what woke it")
    return Cost(template, path, events_of(history), actions_of(history))


# --- the paths -----------------------------------------------------------------------------------


async def reference_by_purchase(told: Told) -> list[Cost]:
    campaign = await told.launch("reference_journey", root=TEMPLATES)
    await told.joins("lee")
    await told.days(1)
    await told.buys("lee")
    return [await _of(told, "lee", campaign, "reference_journey", "a purchase on day one")]


async def reference_by_timer(told: Told) -> list[Cost]:
    campaign = await told.launch("reference_journey", root=TEMPLATES)
    await told.joins("lee")
    await told.days(3.1)
    return [await _of(told, "lee", campaign, "reference_journey", "three days pass")]


async def new_member_bonus(told: Told) -> list[Cost]:
    campaign = await told.launch("new_member_bonus")
    await told.joins("ann")
    await told.joins("lee", invited_by="ann")
    await told.days(3)
    await told.buys("lee")
    await told.days(34)
    return [
        await _of(told, "lee", campaign, "new_member_bonus", "orders on day three"),
        await _of(told, "ann", campaign, "new_member_bonus", "never orders"),
    ]


async def monthly_task_pack(told: Told) -> list[Cost]:
    await told.joins("lee")
    await told.joins("kim")
    campaign = await told.launch("monthly_task_pack")
    await told.until(FIRST_DAY.replace(month=2, day=1, hour=12))
    await told.does("lee", "review", photo="yes")
    for _ in range(5):
        await told.does("lee", "check_in")
        await told.buys("lee", "80.00")
        await told.days(2)
    await told.until(FIRST_DAY.replace(month=3, day=5))
    return [
        await _of(told, "lee", campaign, "monthly_task_pack", "all three tasks done", "2027-02"),
        await _of(told, "kim", campaign, "monthly_task_pack", "nothing done", "2027-02"),
    ]


async def dormant_wake_up(told: Told) -> list[Cost]:
    for name in ("lee", "kim"):
        await told.joins(name)
        await told.buys(name)
    await told.days(89)
    campaign = await told.launch("dormant_wake_up")
    await told.days(3)
    await told.buys("lee")
    await told.days(20)
    return [
        await _of(told, "lee", campaign, "dormant_wake_up", "woken by the first nudge"),
        await _of(told, "kim", campaign, "dormant_wake_up", "gave up after two"),
    ]


async def limited_time_exchange(told: Told) -> list[Cost]:
    bonus = await told.launch("reference_journey", root=TEMPLATES)
    await told.joins("lee")
    opens = FIRST_DAY + timedelta(days=5)
    campaign = await told.launch(
        "limited_time_exchange",
        values={
            "sku": "cup",
            "title_en": "A cup",
            "title_zh": "杯子",
            "points": 100,
            "opens_at": opens.isoformat(),
            "closes_at": (opens + timedelta(days=2)).isoformat(),
        },
    )
    await told.days(5.5)
    claim = await told.claims("lee", campaign)
    await _asleep(told, f"x/{claim['claim_id']}")
    await told.confirms(claim)
    await told.days(3)
    assert bonus != campaign
    return [
        await cost_of(told, f"x/{claim['claim_id']}", "limited_time_exchange", "one claim"),
        await cost_of(told, f"c/{campaign}", "limited_time_exchange", "the whole event"),
    ]


async def _asleep(told: Told, run_id: str) -> None:
    """The order waits for its confirmation; confirmed sooner it would cost less."""
    handle = told.client.get_workflow_handle(run_id)
    async with asyncio.timeout(20):
        while True:
            with suppress(RPCError):  # its start may still be on the way
                kinds = [event.event_type async for event in handle.fetch_history_events()]
                if EventType.EVENT_TYPE_TIMER_STARTED in kinds:
                    return
            await asyncio.sleep(0.05)


async def _of(
    told: Told, name: str, campaign: str, template: str, path: str, entry: str | None = None
) -> Cost:
    run = await told.enrolment(name, campaign)
    run_id = f"j/{campaign}/{run.member_id}/{entry}" if entry else run.id
    return await cost_of(told, run_id, template, path)


PATHS: tuple[Callable[[Told], Awaitable[list[Cost]]], ...] = (
    reference_by_purchase,
    reference_by_timer,
    new_member_bonus,
    monthly_task_pack,
    dormant_wake_up,
    limited_time_exchange,
)


async def measure(client: Client, folder: Path, counting: Counting) -> list[Cost]:
    """Play every path on a programme of its own, again where a slow machine disturbed it."""
    costs: list[Cost] = []
    for play in PATHS:
        for number in range(1, PLAYS_MAX + 1):
            try:
                costs += await _played(play, client, folder / f"{play.__name__}-{number}", counting)
                break
            except Disturbed:
                if number == PLAYS_MAX:
                    raise
    return costs


async def _played(
    play: Callable[[Told], Awaitable[list[Cost]]], client: Client, place: Path, counting: Counting
) -> list[Cost]:
    database = _new_database(place)
    try:
        async with telling(database, client, place) as told:
            if play is reference_by_purchase:
                return await _checked(play, told, counting)
            return await play(told)
    finally:
        database.dispose()


def _new_database(place: Path) -> Database:
    place.mkdir()
    url = f"sqlite:///{place / 'programme.sqlite3'}"
    upgrade(url)
    return Database(url, synchronous="OFF")


async def _checked(
    play: Callable[[Told], Awaitable[list[Cost]]], told: Told, counting: Counting
) -> list[Cost]:
    """Let the server's own counter confirm the rules by which histories are counted."""
    before = await counting.settled()
    found = await play(told)
    counted = await counting.settled() - before
    # The campaign's own run of this path: its start and its first turn.
    expected = sum(cost.actions for cost in found) + 2
    if counted != expected:
        raise SystemExit(f"the server counted {counted} actions, the histories say {expected}")
    return found


def dearest(costs: Sequence[Cost]) -> dict[str, dict[str, int]]:
    """Events and actions of each template's dearest path."""
    events: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    for cost in costs:
        events[cost.template] = max(events[cost.template], cost.events)
        actions[cost.template] = max(actions[cost.template], cost.actions)
    return {"events": dict(events), "actions": dict(actions)}


def table(costs: Sequence[Cost]) -> str:
    """The table of the README, in Markdown."""
    rows = [f"| {c.template} | {c.path} | {c.events} | {c.actions} |" for c in costs]
    head = ["| template | what happens | history events | billable actions |"]
    return "\n".join([*head, "| --- | --- | --- | --- |", *rows])


async def main() -> list[Cost]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = DevServer(log=folder / "server.log", time_skipping=True)
        await server.start()
        try:
            client = await connect(server.address, converter=data_converter())
            return await measure(client, folder, Counting(server))
        finally:
            await server.stop()


def show(costs: Sequence[Cost]) -> None:
    shown = Table("template", "what happens", "events", "actions", title="Cost of each journey")
    for cost in costs:
        shown.add_row(cost.template, cost.path, str(cost.events), str(cost.actions))
    Console().print(shown)
    print(json.dumps(dearest(costs)))


if __name__ == "__main__":
    show(asyncio.run(main()))
