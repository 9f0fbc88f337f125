"""What Temporal is asked about health: runs whose steps fail, and its queues and their workers."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, timedelta
from typing import Literal

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue as QueueName
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from api.temporal_facts import Failing, TaskQueue, Worker

Connect = Callable[[], Awaitable[Client]]
AWAY = (RPCError, RuntimeError, OSError, TimeoutError)
PATIENCE = timedelta(seconds=2)

# The server sets it after five failures in a row: a step that the worker's code cannot take.
FAILING = (
    "TemporalReportedProblems IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut')"
)
ENDED_BADLY = "ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut', 'Canceled')"
JOURNEYS = "WorkflowId STARTS_WITH 'j/'"
FAILING_MAX = 1000
ASKED_AT_ONCE = 100
_KINDS: dict[Literal["workflow", "activity"], TaskQueueType.ValueType] = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}


async def failing_runs(connect: Connect) -> Failing:
    """Journeys whose steps fail, or whose workflow failed or was ended by somebody.

    Temporal keeps the run that failed beside the one that was started after it: whoever was started
    again and runs is mended.
    """
    found: dict[str, None] = {}
    try:
        client = await connect()
        found |= await _listed(client, f"{FAILING} AND {JOURNEYS}")
        ended = await _listed(client, f"{ENDED_BADLY} AND {JOURNEYS}")
        running = await _running(client, list(ended))
        found |= {each: None for each in ended if each not in running}
    except AWAY:
        return Failing(False, tuple(found))
    return Failing(True, tuple(found))


async def _listed(client: Client, query: str) -> dict[str, None]:
    """Ids of workflows, in the order Temporal lists them."""
    listed = client.list_workflows(query, limit=FAILING_MAX, rpc_timeout=PATIENCE)
    return {each.id: None async for each in listed}


async def _running(client: Client, ids: Sequence[str]) -> set[str]:
    """Which of these run now, asked in parts that a query has room for."""
    running: set[str] = set()
    plain = [each for each in ids if not set(each) & {"'", "\\"}]
    for start in range(0, len(plain), ASKED_AT_ONCE):
        names = ", ".join(f"'{each}'" for each in plain[start : start + ASKED_AT_ONCE])
        query = f"ExecutionStatus = 'Running' AND WorkflowId IN ({names})"
        running.update(await _listed(client, query))
    return running


async def task_queues(connect: Connect, name: str) -> Sequence[TaskQueue]:
    """Both queues of the name; nothing where Temporal does not answer."""
    try:
        client = await connect()
        return [await _described(client, name, kind) for kind in _KINDS]
    except AWAY:
        return ()


async def _described(client: Client, name: str, kind: Literal["workflow", "activity"]) -> TaskQueue:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=QueueName(name=name),
            task_queue_type=_KINDS[kind],
            report_stats=True,
        ),
        timeout=PATIENCE,
    )
    return TaskQueue(
        kind=kind,
        waiting=answer.stats.approximate_backlog_count,
        oldest_seconds=answer.stats.approximate_backlog_age.ToTimedelta().total_seconds(),
        workers=tuple(
            Worker(
                each.identity,
                each.last_access_time.ToDatetime(tzinfo=UTC)
                if each.HasField("last_access_time")
                else None,
            )
            for each in answer.pollers
        ),
    )
