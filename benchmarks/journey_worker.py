"""The two workers that `benchmarks.journeys` compares, each a process of its own.

    python -m benchmarks.journey_worker milepost|bare ADDRESS TASK_QUEUE DATABASE_URL

`milepost` is the product's worker as it runs in production. `bare` is the same journey written by
hand for the SDK: two local activities that post points and queue a message in one transaction, and
a wait between them. Server, SDK options, database, ledger and message line are the same.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.bare_journey import BareJourney, grant_and_notify_with
from bootstrap.clock import SystemClock
from bootstrap.converter import data_converter
from bootstrap.temporal import connect
from bootstrap.turns import activities
from bootstrap.worker import WORKFLOWS, build_worker
from loyalty.programme import Programme
from storage.database import Database
from storage.store import SqlStore


async def main(kind: str, address: str, queue: str, url: str) -> None:
    client = await connect(address, converter=data_converter())
    clock = SystemClock()
    store = SqlStore(Database(url, synchronous="NORMAL"), clock, Programme())
    acts: Sequence[Callable[..., Any]] = (
        activities(store, clock) if kind == "milepost" else [grant_and_notify_with(store)]
    )
    workflows = WORKFLOWS if kind == "milepost" else (BareJourney,)
    worker = build_worker(client, queue, acts, workflows=workflows)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with worker:
        print(f"ready {datetime.now(UTC).isoformat()}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
