"""How the whole is: what the database, Temporal and this process know, judged by thresholds."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from api.services import Services
from api.temporal_facts import TaskQueue
from loyalty.health import ChannelFacts, Facts, Judged, QueueFacts, State, judge, worst


@dataclass(frozen=True, slots=True)
class Overview:
    state: State
    parts: Sequence[Judged]
    queues: Sequence[TaskQueue]
    database: Mapping[str, Any]
    day: Mapping[str, Mapping[str, Any]]
    sums: Mapping[str, Any] | None


async def overview(given: Services) -> Overview:
    """Measured now; Temporal gets two seconds to say how it is."""
    found, queues = await asyncio.gather(
        run_in_threadpool(given.reads.health.facts), given.task_queues()
    )
    parts = judge(_facts(given, found, queues))
    return Overview(worst(parts), parts, queues, found["database"], found["day"], found["sums"])


def _facts(given: Services, found: Mapping[str, Any], queues: Sequence[TaskQueue]) -> Facts:
    database, log, relay = found["database"], found["log"], found["relay"]
    verified = [each for each in (found["sums"], found["log_verified"]) if each]
    return Facts(
        now=given.clock.now(),
        relay_due=relay["due"],
        relay_seconds=max(relay["seconds"], 0.0),
        parked=relay["dead"],
        queues=[
            QueueFacts(each.kind, each.waiting, each.oldest_seconds, len(each.workers))
            for each in queues
        ]
        or None,
        latency_ms=database["ms"],
        connections=database["connections"],
        connections_most=database["connections_most"],
        database_bytes=database["bytes"],
        wal_bytes=database["wal_bytes"],
        in_line=given.in_line(),
        channels=[_channel(name, figures) for name, figures in found["hour"].items()],
        verified_at=max((each["at"] for each in verified), default=None),
        verified_ok=all(each["ok"] for each in verified) if verified else None,
        log_size=log["log_size"],
        sealed_size=log["sealed_size"],
        sealed_at=log["sealed_at"],
    )


def _channel(name: str, figures: Mapping[str, Any]) -> ChannelFacts:
    known = ("sent", "failed", "unknown", "waiting", "oldest_seconds")
    return ChannelFacts(name, **{each: figures[each] for each in known if each in figures})
