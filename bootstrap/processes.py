"""Worker and relay as processes: they wait for what they need, work, and end cleanly."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.upkeep import UpkeepActivities
from bootstrap.metrics import serve_relay_metrics
from bootstrap.outside import channels
from bootstrap.relay import Relay
from bootstrap.repairing import Repairer, carry_jobs
from bootstrap.setting_places import measured_at
from bootstrap.settings import Settings
from bootstrap.stopping import rest, told_to_stop
from bootstrap.turns import activities
from bootstrap.upkeep import Care, start_upkeep
from bootstrap.wiring import Parts
from bootstrap.worker import build_worker
from delivery.dispatch import Dispatcher
from loyalty.programme import CHANNELS, Channel
from storage.message_store import SqlMessageStore
from storage.readiness import database_state

T = TypeVar("T")
log = logging.getLogger("milepost")

ASK_AGAIN_SECONDS = (0.5, 10.0)
END_SECONDS = 25
"""A little more than the worker's grace, a little less than orchestrators' usual thirty."""
IDLE_SECONDS = 0.1
"""Between looks at an empty line of messages: nobody notices a tenth of a second."""
TROUBLE_SECONDS = 5.0
UPKEEP_SECONDS = 300.0
"""Between looks at whether the upkeep is there: as long as one of its rounds."""


async def run_worker(settings: Settings) -> None:
    """Take journeys' and campaigns' turns until told to stop; turns under way are finished."""
    stop = told_to_stop(settings)
    parts = Parts(settings)
    client = await _ready(parts, stop, _runtime(settings))
    if client is not None:
        parts.store.group()  # turns that fall together share a commit
        care = UpkeepActivities(Care(parts.store, parts.clock, parts.seal))
        acts = [*activities(parts.store, parts.clock), care.look_after]
        worker = build_worker(client, settings.temporal_task_queue, acts)
        running = asyncio.create_task(worker.run())
        log.info("the worker takes turns")
        await _first(stop, running)
        await _end(worker, running)
    parts.close()


async def _end(worker: Worker, running: asyncio.Task[None]) -> None:
    """Let turns under way finish. A Temporal that is away must not keep the process alive."""
    try:
        async with asyncio.timeout(END_SECONDS):
            await worker.shutdown()
            await running
    except TimeoutError:
        log.error(
            "the worker did not end in %s s; Temporal gives its tasks to another", END_SECONDS
        )
        logging.shutdown()
        os._exit(1)  # the SDK's own threads would wait on


async def run_relay(settings: Settings) -> None:
    """Tell Temporal what was decided, send messages, carry repairs out, until told to stop."""
    stop = told_to_stop(settings)
    parts = Parts(settings)
    client = await _ready(parts, stop, None)
    if client is not None:
        queue = settings.temporal_task_queue
        serve_relay_metrics(settings, parts.database, parts.clock)
        relay = Relay(parts.store, client, parts.clock, task_queue=queue)
        caring = asyncio.create_task(keep_upkeep(client, queue, stop))
        carrying = asyncio.create_task(relay.run())
        sending = asyncio.create_task(send_messages(_dispatcher(parts), stop))
        mending = asyncio.create_task(carry_jobs(Repairer(parts.store), stop))
        log.info("the relay carries")
        await _first(stop, caring, carrying, sending, mending)
        stop.set()
        relay.stop()
        await asyncio.gather(caring, carrying, sending, mending)
    parts.close()


async def keep_upkeep(
    client: Client, task_queue: str, stop: asyncio.Event, seconds: float = UPKEEP_SECONDS
) -> None:
    """See to it again and again that the care goes round: somebody may have ended it."""
    while not stop.is_set():
        await _until_it_works("Temporal", lambda: start_upkeep(client, task_queue), stop)
        await rest(stop, seconds)


async def send_messages(dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    """Send whatever is due, until told to stop; a claim that was made is settled."""
    await asyncio.gather(*(_send_on(channel, dispatcher, stop) for channel in CHANNELS))
    await dispatcher.close()


async def _send_on(channel: Channel, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            pause = 0.0 if await dispatcher.run_once(channel, stop) else IDLE_SECONDS
        except* SQLAlchemyError as trouble:
            names = sorted({type(each).__name__ for each in trouble.exceptions})
            log.warning("messages wait for the database: %s", ", ".join(names))
            pause = TROUBLE_SECONDS
        except* Exception:  # of one message: the line recovers it, and the others go on
            log.exception("a message could not be settled")
            pause = TROUBLE_SECONDS
        await rest(stop, pause)


def _dispatcher(parts: Parts) -> Dispatcher:
    line = SqlMessageStore(parts.database, parts.programme, parts.clock)
    return Dispatcher(line, parts.programme, parts.clock, channels(parts.settings))


async def _ready(parts: Parts, stop: asyncio.Event, runtime: Runtime | None) -> Client | None:
    """Wait for the database to be migrated and for Temporal; none when told to stop meanwhile."""

    async def database() -> bool:
        ok, detail = await asyncio.to_thread(database_state, parts.database)
        if not ok:
            raise RuntimeError(detail)
        return ok

    if await _until_it_works("the database", database, stop) is None:
        return None
    return await _until_it_works("Temporal", lambda: parts.connect(runtime), stop)


async def _until_it_works(
    what: str, work: Callable[[], Awaitable[T]], stop: asyncio.Event
) -> T | None:
    pause, longest = ASK_AGAIN_SECONDS
    while not stop.is_set():
        try:
            return await work()
        except (RuntimeError, RPCError, OSError) as error:
            log.warning("waiting for %s: %s", what, str(error)[:200])
            await rest(stop, pause)
            pause = min(pause * 2, longest)
    return None


def _runtime(settings: Settings) -> Runtime | None:
    """With a port, the SDK serves its own metrics: latencies, slots, failures, cache."""
    where = measured_at("worker_metrics_port", settings)
    if where is None:
        return None
    host, port = where
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=address)))


async def _first(stop: asyncio.Event, *work: asyncio.Task[None]) -> None:
    """Return when told to stop, or when a part ended by itself, which it never should."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *work], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
