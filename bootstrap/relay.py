"""The relay: tells Temporal what the database decided, in the order it was decided.

It may die anywhere: a row stays until it is marked sent, and each call bears the row's number and
instant as its request id, so Temporal itself drops the second of two.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bootstrap.stopping import rest
from bootstrap.temporal_requests import (
    call_limit,
    nudge_request,
    start_request,
    start_was_repeated,
)
from loyalty.ports import Clock
from loyalty.reconcile import found_dead
from storage.outbox import OutboxRow, SqlOutbox
from storage.store import SqlStore

log = logging.getLogger("milepost.relay")

BATCH = 200
AT_ONCE = 20
"""Calls in flight: enough to keep a server busy, few enough not to be throttled by it."""
TRIES_MAX = 5
"""A request that Temporal calls wrong five times is wrong: an operator must look."""
LATE = "late"
"""The note on a nudge that found no run: ended, or dead."""
ENDED = "already started"
"""The note on a start that found a run which had ended."""
IDLE_SECONDS = (0.05, 0.2)
TROUBLE_SECONDS = (0.2, 5.0)
# Conditions of the server, not of the row: wait and try again, for as long as it takes.
PASSING = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNKNOWN,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.PERMISSION_DENIED,
    }
)


@dataclass(frozen=True, slots=True)
class Delivered:
    row: OutboxRow
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    row: OutboxRow
    error: str
    passing: bool


class Relay:
    """Takes due outbox rows and sends them. Run one on SQLite, as many as you like on PostgreSQL.

    Rows of one workflow go out one after another. Two relays may swap a start and its nudge, which
    does no harm: a nudge only says "look again", and a journey's first turn looks at everything.
    What finds nobody where a run should be has it started again.
    """

    def __init__(
        self,
        store: SqlStore,
        client: Client,
        clock: Clock,
        *,
        task_queue: str,
        idle_seconds: tuple[float, float] = IDLE_SECONDS,
    ) -> None:
        self._store = store
        self._database = store.database
        self._client = client
        self._clock = clock
        self._task_queue = task_queue
        self._idle_seconds = idle_seconds
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the batch in hand, then return from `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Deliver until stopped; whatever is down, wait for it."""
        pause = self._idle_seconds[0]
        while not self._stopping.is_set():
            try:
                found, trouble = await self._pass()
            except SQLAlchemyError as error:
                log.warning("the relay cannot reach its database: %s", type(error).__name__)
                found, trouble = 0, True
            shortest, longest = TROUBLE_SECONDS if trouble else self._idle_seconds
            if found and not trouble:
                pause = shortest
                continue
            pause = min(max(pause * 2, shortest), longest)
            await rest(self._stopping, pause)

    async def deliver_due(self) -> int:
        """Send one batch of what is due; returns how many rows were looked at."""
        return (await self._pass())[0]

    async def _pass(self) -> tuple[int, bool]:
        rows = await asyncio.to_thread(self._take)
        if not rows:
            return 0, False
        in_order: dict[str, list[OutboxRow]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.id):
            in_order[row.workflow_id].append(row)
        done = await asyncio.gather(*(self._send_in_order(mine) for mine in in_order.values()))
        results = [result for group in done for result in group]
        await asyncio.to_thread(self._mark, results)
        return len(rows), any(isinstance(result, Failed) for result in results)

    async def _send_in_order(self, rows: Sequence[OutboxRow]) -> list[Delivered | Failed]:
        results: list[Delivered | Failed] = []
        async with self._slots:
            for row in rows:
                results.append(await self._send(row))
                if isinstance(results[-1], Failed):
                    break  # what follows waits for its turn
        return results

    async def _send(self, row: OutboxRow) -> Delivered | Failed:
        try:
            if row.kind.startswith("start_"):
                await self._start(row)
            else:
                await self._nudge(row)
        except RPCError as error:
            return _judge(row, error)
        except (ValueError, KeyError) as error:  # the row itself cannot be read
            return Failed(row, f"{type(error).__name__}: {error}", passing=False)
        return Delivered(row)

    async def _start(self, row: OutboxRow) -> None:
        request = await start_request(self._client, row, self._task_queue)
        service = self._client.workflow_service
        answer = await service.start_workflow_execution(request, timeout=call_limit())
        if not answer.started:
            await self._nudge(row)  # it runs since before the database was restored

    async def _nudge(self, row: OutboxRow) -> None:
        request = await nudge_request(self._client, row)
        await self._client.workflow_service.signal_workflow_execution(request, timeout=call_limit())

    def _take(self) -> Sequence[OutboxRow]:
        now = self._clock.now()
        if self._database.dialect == "sqlite":
            with self._database.read() as connection:
                return SqlOutbox(connection, now).take(BATCH)
        return self._database.run(lambda connection: SqlOutbox(connection, now).take(BATCH))

    def _mark(self, results: Iterable[Delivered | Failed]) -> None:
        now = self._clock.now()
        sent = {r.row.id: r.note for r in results if isinstance(r, Delivered)}
        # Before the row is marked: whoever dies in between is told again that nobody is there.
        for run in sorted({r.row.workflow_id for r in results if _nobody_there(r)}):
            self._store.run(partial(found_dead, run_id=run))
        failed = [r for r in results if isinstance(r, Failed)]
        with self._database.write() as connection:
            outbox = SqlOutbox(connection, now)
            outbox.sent(sent)
            for result in failed:
                last_try = not result.passing and result.row.attempts + 1 >= TRIES_MAX
                outbox.failed(result.row.id, result.error, for_good=last_try)


def _judge(row: OutboxRow, error: RPCError) -> Delivered | Failed:
    if error.status == RPCStatusCode.ALREADY_EXISTS and start_was_repeated(error):
        return Delivered(row, ENDED)
    if error.status == RPCStatusCode.NOT_FOUND and not _namespace_missing(error):
        return Delivered(row, LATE)
    passing = error.status in PASSING or _namespace_missing(error)
    log.warning("outbox row %s was not delivered: %s", row.id, error.status.name)
    return Failed(row, f"{error.status.name}: {error.message}", passing=passing)


def _nobody_there(result: Delivered | Failed) -> bool:
    return isinstance(result, Delivered) and result.note in (LATE, ENDED)


def _namespace_missing(error: RPCError) -> bool:
    return any("NamespaceNotFound" in detail.type_url for detail in error.grpc_status.details)
