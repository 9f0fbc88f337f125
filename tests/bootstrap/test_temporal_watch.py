"""What a real Temporal says of runs that fail and of its queues."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bootstrap.temporal_watch import failing_runs, task_queues


@workflow.defn(name="step_that_fails")
class StepThatFails:
    @workflow.run
    async def run(self) -> None:
        """A bug in the worker's code: no try of it can succeed."""
        raise RuntimeError("a step that nobody can take")


async def until(happened: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await happened():  # noqa: ASYNC110 - Temporal offers nothing to wait for
            await asyncio.sleep(0.1)


def connected(client: Client) -> Callable[[], Awaitable[Client]]:
    async def connect() -> Client:
        return client

    return connect


async def test_a_run_that_somebody_ended_in_temporal_is_found(temporal: Client) -> None:
    """Its member waits for ever: the database still has it waiting. Started again, it is mended."""
    queue, run = f"watch-{uuid4()}", f"j/watch/{uuid4()}/once"
    handle = await temporal.start_workflow("step_that_fails", id=run, task_queue=queue)
    assert run not in (await failing_runs(connected(temporal))).ids

    await handle.terminate("by hand")

    async def found() -> bool:
        failing = await failing_runs(connected(temporal))
        return failing.asked and run in failing.ids

    await until(found)

    await temporal.start_workflow("step_that_fails", id=run, task_queue=queue)

    async def mended() -> bool:
        failing = await failing_runs(connected(temporal))
        return failing.asked and run not in failing.ids

    await until(mended)


async def test_a_queue_says_what_waits_and_who_works(temporal: Client) -> None:
    """Nobody works on it: a task waits. Then somebody does."""
    queue = f"watch-{uuid4()}"
    await temporal.start_workflow("step_that_fails", id=f"x/{uuid4()}", task_queue=queue)

    async def waits() -> bool:
        return any(each.waiting for each in await task_queues(connected(temporal), queue))

    await until(waits)
    assert [each.workers for each in await task_queues(connected(temporal), queue)] == [(), ()]

    worker = Worker(
        temporal,
        task_queue=queue,
        workflows=[StepThatFails],
        identity="w1",
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(seconds=1),
    )
    async with worker:

        async def works() -> bool:
            queues = await task_queues(connected(temporal), queue)
            return "w1" in {one.identity for each in queues for one in each.workers}

        await until(works)


async def test_a_temporal_that_is_away_is_no_zero() -> None:
    """Nobody concludes from silence that nothing fails."""

    async def nobody() -> Any:
        raise RuntimeError("no connection")

    assert not (await failing_runs(nobody)).asked
    assert await task_queues(nobody, "milepost") == ()
