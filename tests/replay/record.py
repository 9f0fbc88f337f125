"""Record histories that every later version must still be able to replay.

    python -m tests.replay.record [case or template ...]

A history is taken from a real server without time skipping (skipping leaves events that production
never has), and cleaned of the recording machine's name and folders. Record a case when it is new;
never re-record one because replay broke: that is what replay is for.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client, WorkflowHandle

from activities.contracts import CampaignBrief, Nudge, OrderBrief, TurnOutcome
from bootstrap.converter import data_converter
from bootstrap.temporal import DevServer, connect
from tests.reference_journey import END, WAIT, Script, begin, worker_for
from tests.replay.templates import STORIES, play

HISTORIES = Path(__file__).parent / "histories"
Run = WorkflowHandle[object, str]
Case = Callable[[Client, str], Awaitable[Run]]


async def reference_by_timer(client: Client, queue: str) -> Run:
    soon = WAIT.model_copy(update={"sleep_seconds": timedelta(milliseconds=500).total_seconds()})
    async with worker_for(client, queue, Script(soon, END)):
        run = await begin(client, queue)
        await run.result()
    return run


async def reference_by_purchase(client: Client, queue: str) -> Run:
    async with worker_for(client, queue, Script(WAIT, END)):
        run = await begin(client, queue)
        await _nudged_to_the_end(run)
    return run


async def database_away(client: Client, queue: str) -> Run:
    failures = iter(range(3))

    def down_then_up() -> TurnOutcome:
        if next(failures, None) is not None:
            raise ConnectionError("the database is away")
        return END

    async with worker_for(client, queue, Script(down_then_up)):
        run = await begin(client, queue)
        await run.result()
    return run


async def campaign(client: Client, queue: str) -> Run:
    brief = CampaignBrief(campaign_id=queue, version=1, template="monthly_task_pack")
    page = WAIT.model_copy(update={"sleep_seconds": 0})
    async with worker_for(client, queue, Script(page, WAIT, END)):
        run: Run = await client.start_workflow(
            "campaign", brief, id=f"c/{queue}", task_queue=queue, result_type=str
        )
        await _nudged_to_the_end(run)
    return run


async def exchange_order(client: Client, queue: str) -> Run:
    brief = OrderBrief(claim_id=queue, campaign_id="spring")
    async with worker_for(client, queue, Script(WAIT, END)):
        run: Run = await client.start_workflow(
            "exchange_order", brief, id=f"x/{queue}", task_queue=queue, result_type=str
        )
        await _nudged_to_the_end(run)
    return run


CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        reference_by_timer,
        reference_by_purchase,
        database_away,
        campaign,
        exchange_order,
    )
}


async def _nudged_to_the_end(run: Run) -> None:
    await asyncio.sleep(1)
    await run.signal("nudge", Nudge(outbox_id=1, reason="purchase"))
    await run.result()


async def write_history(run: Run, name: str) -> Path:
    """Keep one run's history under a name."""
    return _keep((await run.fetch_history()).to_json(), HISTORIES / f"{name}.json")


def _keep(history: str, path: Path) -> Path:
    """Cleaned of the recording machine, one event a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (Path(__file__).parents[2], Path(sys.base_prefix)):
        history = history.replace(f"{folder}/", "")
    events = json.loads(re.sub(r"\d+@[\w.-]+", "recorder", history))["events"]
    lines = (json.dumps(event, separators=(",", ":"), ensure_ascii=False) for event in events)
    path.write_text('{"events":[\n' + ",\n".join(lines) + "\n]}\n")
    return path


async def record(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = DevServer(log=Path(folder) / "server.log")
        await server.start()
        try:
            client = await connect(server.address, converter=data_converter())
            for name in names:
                if name in STORIES:
                    await _record_story(name, client, Path(folder))
                else:
                    run = await CASES[name](client, f"recorded-{name.replace('_', '-')}")
                    print(await write_history(run, name))  # noqa: T201 - a command
        finally:
            await server.stop()


async def _record_story(template: str, client: Client, folder: Path) -> None:
    place = folder / template / "recorded"
    place.mkdir(parents=True)
    for name, id in (await play(template, client, place)).items():
        run = client.get_workflow_handle(id)
        print(await write_history(run, f"{template}/{name}"))  # noqa: T201 - a command


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or [*CASES, *STORIES]))
