"""The worker: takes workflow tasks and turns from Temporal, and runs them against the store."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from workflows.campaign import Campaign
from workflows.exchange_order import ExchangeOrder
from workflows.member_journey import MemberJourney
from workflows.sandbox import fast_runner, strict_runner
from workflows.upkeep import Upkeep

WORKFLOWS = (MemberJourney, Campaign, ExchangeOrder, Upkeep)

# One process uses one core for workflow code, whatever these say; a few tasks at once keep it busy
# while others wait for the database. Turns hold a connection each, so threads = connections.
WORKFLOW_TASKS = 20
TURNS = 16
# A waiting journey kept in memory costs about 60-85 KB and saves replaying a dozen events.
CACHED_RUNS = 2000
# Longer than a turn may take in all, so that a stopping worker finishes what it began.
GRACE = timedelta(seconds=20)


def build_worker(
    client: Client,
    task_queue: str,
    activities: Sequence[Callable[..., Any]],
    *,
    workflows: Sequence[type] = WORKFLOWS,
    strict: bool = False,
    turns: int = TURNS,
    cached_runs: int = CACHED_RUNS,
) -> Worker:
    """A worker for all workflows and the given activities; run it with `async with` or `run()`.

    `strict` puts workflow code into the full sandbox (tests); `cached_runs=0` makes every workflow
    task replay its history.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=activities,
        activity_executor=ThreadPoolExecutor(turns, thread_name_prefix="turn"),
        workflow_runner=strict_runner() if strict else fast_runner(),
        max_cached_workflows=cached_runs,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS if cached_runs else None,
        max_concurrent_activities=turns,
        max_concurrent_local_activities=turns,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(initial=2, maximum=10),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(initial=1, maximum=5),
        graceful_shutdown_timeout=GRACE,
    )
