"""A console whose programme lives: a real Temporal server, the worker, the relay, and time that
moves on purpose.

Playwright keeps the test's own thread; what works behind the pages has a thread and an event loop
of its own, as it has processes of its own in a shop.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx2
from temporalio.client import Client
from temporalio.worker import Worker

from bootstrap.clock import FileClock
from bootstrap.processes import send_messages
from bootstrap.relay import Relay
from bootstrap.repairing import Repairer, carry_jobs
from bootstrap.timetravel import Timetravel, at_rest, sleepers
from bootstrap.turns import activities
from bootstrap.wiring import Parts
from bootstrap.worker import build_worker
from delivery.dispatch import Dispatcher
from loyalty.access import Role
from storage.message_store import SqlMessageStore
from tests.browser.serving import Console

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2027, 1, 31, 20, 0, tzinfo=SHANGHAI)  # a Sunday, the last of its month
PATIENCE_SECONDS = 45
Acts = Sequence[Callable[..., Any]]
T = TypeVar("T")


class Backstage:
    """Worker and relay of one programme, each started and stopped as a test tells it."""

    def __init__(self, parts: Parts, clock: FileClock) -> None:
        self._parts = parts
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="backstage")
        self._thread.start()
        self._stop = asyncio.Event()
        self._worker: tuple[Worker, asyncio.Task[None]] | None = None
        self._running: list[asyncio.Task[None]] = []
        self.temporal: Client = self.do(parts.connect())
        queue, database = parts.settings.temporal_task_queue, parts.database
        self._relay = Relay(
            parts.store, self.temporal, clock, task_queue=queue, idle_seconds=(0.01, 0.03)
        )
        self.travel = Timetravel(
            self.temporal, clock, sleepers(database), at_rest(database, clock), patience=20
        )
        self.do(self._relay_begins())
        self.worker_begins()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have it done there, and wait for it here."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    def settled(self) -> None:
        """Wait until nothing is under way at the hour it is."""
        self.do(self.travel.settle())

    def worker_begins(self, acts: Acts | None = None) -> None:
        """The worker as it is shipped, or one whose acts the story says."""
        self.do(self._worker_begins(acts or activities(self._parts.store, self._parts.clock)))

    def worker_stops(self) -> None:
        self.do(self._worker_stops())

    def close(self) -> None:
        """Everything that began here ends."""
        self.do(self._worker_stops())
        self.do(self._relay_stops())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _relay_begins(self) -> None:
        """What the relay's process does: tell Temporal, send messages, carry repairs out."""
        parts = self._parts
        line = SqlMessageStore(parts.database, parts.programme, parts.clock)
        dispatcher = Dispatcher(line, parts.programme, parts.clock, {})
        work = (
            self._relay.run(),
            send_messages(dispatcher, self._stop),
            carry_jobs(Repairer(parts.store), self._stop),
        )
        self._running = [asyncio.ensure_future(each) for each in work]

    async def _relay_stops(self) -> None:
        self._stop.set()
        self._relay.stop()
        await asyncio.gather(*self._running)

    async def _worker_begins(self, acts: Acts) -> None:
        worker = build_worker(self.temporal, self._parts.settings.temporal_task_queue, acts)
        self._worker = worker, asyncio.ensure_future(worker.run())

    async def _worker_stops(self) -> None:
        if self._worker is not None:
            worker, running = self._worker
            self._worker = None
            await worker.shutdown()
            await running


class Living:
    """A programme at work, and what its members and tills do: all through `/v1` with a key."""

    def __init__(self, console: Console, backstage: Backstage, clock: FileClock) -> None:
        self.console = console
        self.backstage = backstage
        self.clock = clock
        self._numbers = count(1)
        self._clients: dict[Role, httpx2.Client] = {}

    # --- time -----------------------------------------------------------------------------------

    def until(self, instant: datetime) -> None:
        """Everybody who sleeps until then wakes at their own hour, through Temporal."""
        self.backstage.do(self.backstage.travel.advance_to(instant))

    def days(self, n: float) -> None:
        self.until(self.clock.now() + timedelta(days=n))

    # --- members and tills ----------------------------------------------------------------------

    def api(self, role: Role = "integrator") -> httpx2.Client:
        """A program with a key of this role."""
        if role not in self._clients:
            token, _ = self.console.parts.keys.create(role, role, actor="test")
            self._clients[role] = httpx2.Client(
                base_url=self.console.url,
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=20,
            )
        return self._clients[role]

    def posts(self, path: str, body: dict[str, Any], role: Role = "integrator") -> dict[str, Any]:
        answer = self.api(role).post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        found: dict[str, Any] = answer.json()
        return found

    def joins(self, member: str, **more: Any) -> None:
        self.posts("/v1/members", {"id": member, "name": member.title(), **more})

    def buys(
        self,
        member: str,
        minor: int = 4_800,
        *,
        store: str = "riverside",
        at: datetime | None = None,
    ) -> None:
        body = {
            "source": "till-1",
            "id": f"r-{next(self._numbers)}",
            "member_id": member,
            "occurred_at": (at or self.clock.now()).isoformat(),
            "currency": "CNY",
            "store": store,
            "lines": [{"sku": "s1", "category": "grocery", "net_minor": minor}],
        }
        self.posts("/v1/purchases", body)

    def does(self, member: str, type: str, *, at: datetime | None = None, **more: str) -> None:
        body = {
            "source": "app",
            "id": f"e-{next(self._numbers)}",
            "type": type,
            "member_id": member,
            "occurred_at": (at or self.clock.now()).isoformat(),
            "attributes": more,
        }
        self.posts("/v1/events", body)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.backstage.close()
