"""What Temporal knows of a run, in plain words. The only place of the API that asks it.

The timeline never depends on it: the database answers by itself, and says when Temporal did not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.timeline import Moment

Connect = Callable[[], Awaitable[Client]]
PATIENCE = timedelta(seconds=2)
PATIENCE_IN_ALL_SECONDS = 5
"""Somebody is looking at a page: what Temporal has not said by then is left out."""
EVENTS_MAX = 500
"""Journeys have some tens of events; a longer history is shown from its beginning."""


class InTemporal(BaseModel):
    """How the run stands in Temporal itself."""

    state: Literal["found", "not_started", "unreachable"]
    detail: str
    status: str | None = Field(None, description="Temporal's own word: RUNNING, COMPLETED ...")
    events: int | None = None


_STATES = {
    "en": {
        "found": "Temporal runs it, and its history is part of this timeline.",
        "over": "In Temporal it has ended; its history is part of this timeline.",
        "not_started": "Temporal does not know it (yet, or any more).",
        "unreachable": "Temporal does not answer; this timeline is what the database knows.",
    },
    "zh": {
        "found": "由 Temporal 运行，其历史已并入此时间线。",
        "over": "在 Temporal 中已结束，其历史已并入此时间线。",
        "not_started": "Temporal 中没有该流程（尚未启动或已过保留期）。",
        "unreachable": "Temporal 没有响应；此时间线仅来自数据库。",
    },
}
_EVENTS = {
    "en": {
        "WORKFLOW_EXECUTION_STARTED": "Temporal started the run.",
        "TIMER_STARTED": "A timer was set: {summary}.",
        "TIMER_FIRED": "The timer ran out.",
        "WORKFLOW_EXECUTION_SIGNALED": "The run was told to look again.",
        "ACTIVITY_TASK_SCHEDULED": "The database was away: a step is tried until it works.",
        "WORKFLOW_TASK_FAILED": "A step failed inside the worker and is tried again.",
        "WORKFLOW_TASK_TIMED_OUT": "The worker went away during a step, which is done again.",
        "WORKFLOW_EXECUTION_COMPLETED": "Temporal closed the run.",
        "WORKFLOW_EXECUTION_FAILED": "The run failed in Temporal: {summary}",
        "WORKFLOW_EXECUTION_CANCEL_REQUESTED": "Somebody asked Temporal to cancel the run.",
        "WORKFLOW_EXECUTION_CANCELED": "The run was cancelled in Temporal.",
        "WORKFLOW_EXECUTION_TERMINATED": "The run was terminated in Temporal; no step cleaned up.",
        "WORKFLOW_EXECUTION_CONTINUED_AS_NEW": "The run goes on with a fresh history.",
    },
    "zh": {
        "WORKFLOW_EXECUTION_STARTED": "Temporal 启动了该流程。",
        "TIMER_STARTED": "设置了定时器：{summary}。",
        "TIMER_FIRED": "定时器到时。",
        "WORKFLOW_EXECUTION_SIGNALED": "收到通知，重新检查。",
        "ACTIVITY_TASK_SCHEDULED": "数据库暂时不可用：该步骤会重试直到成功。",
        "WORKFLOW_TASK_FAILED": "工作进程执行步骤失败，正在重试。",
        "WORKFLOW_TASK_TIMED_OUT": "执行步骤时工作进程失联，该步骤会重做。",
        "WORKFLOW_EXECUTION_COMPLETED": "Temporal 已结束该流程。",
        "WORKFLOW_EXECUTION_FAILED": "该流程在 Temporal 中失败：{summary}",
        "WORKFLOW_EXECUTION_CANCEL_REQUESTED": "有人在 Temporal 中请求取消。",
        "WORKFLOW_EXECUTION_CANCELED": "该流程在 Temporal 中被取消。",
        "WORKFLOW_EXECUTION_TERMINATED": "该流程在 Temporal 中被强制终止，未执行清理步骤。",
        "WORKFLOW_EXECUTION_CONTINUED_AS_NEW": "该流程以新的历史继续运行。",
    },
}


async def look(
    connect: Connect | None, run_id: str, locale: str
) -> tuple[InTemporal, list[Moment]]:
    """The run's state in Temporal and its history; never raises for Temporal's sake."""
    if connect is None:
        return _state("unreachable", locale), []
    try:
        async with asyncio.timeout(PATIENCE_IN_ALL_SECONDS):
            client = await connect()
            handle = client.get_workflow_handle(run_id)
            described = await handle.describe(rpc_timeout=PATIENCE)
            moments = await _history(client, run_id, locale)
    except RPCError as error:
        missing = error.status == RPCStatusCode.NOT_FOUND
        return _state("not_started" if missing else "unreachable", locale), []
    except (RuntimeError, OSError, TimeoutError):  # no connection to begin with
        return _state("unreachable", locale), []
    status = described.status.name if described.status else None
    state = _state("found", locale)
    if status not in (None, "RUNNING"):
        state = state.model_copy(update={"detail": _STATES[locale]["over"]})
    return state.model_copy(update={"status": status, "events": described.history_length}), moments


def _state(state: Literal["found", "not_started", "unreachable"], locale: str) -> InTemporal:
    return InTemporal(state=state, detail=_STATES[locale][state])


async def _history(client: Client, run_id: str, locale: str) -> list[Moment]:
    moments: list[Moment] = []
    seen = 0
    events = client.get_workflow_handle(run_id).fetch_history_events(rpc_timeout=PATIENCE)
    async for event in events:
        seen += 1
        name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        words = _EVENTS[locale].get(name)
        if words is not None:
            text = words.format(summary=await _summary(client, event))
            at = event.event_time.ToDatetime(tzinfo=UTC)
            moments.append(Moment(at=at, source="temporal", text=text, verdict=name.lower()))
        if seen >= EVENTS_MAX:
            break
    return moments


async def _summary(client: Client, event: HistoryEvent) -> str:
    """The event's own summary, else a timer's length, or what a failure says of its cause."""
    if event.HasField("user_metadata") and event.user_metadata.HasField("summary"):
        try:
            decoded: list[Any] = await client.data_converter.decode([event.user_metadata.summary])
            return str(decoded[0])
        except Exception:  # sealed with a key that is gone: the timeline is worth more than that
            return "…"
    if event.HasField("timer_started_event_attributes"):
        wait = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        return str(wait)
    if event.HasField("workflow_execution_failed_event_attributes"):
        failure = event.workflow_execution_failed_event_attributes.failure
        while failure.HasField("cause"):
            failure = failure.cause
        return " ".join(filter(None, (failure.application_failure_info.type, failure.message)))
    return ""
