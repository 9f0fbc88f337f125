"""Where everything is put together; nothing else knows which class stands behind which port."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.runtime import Runtime
from temporalio.service import RPCError, TLSConfig
from uuid_utils.compat import uuid7

from api.services import Check, Services
from bootstrap.catalogue import Catalogue, check_texts
from bootstrap.clock import FileClock, SystemClock
from bootstrap.converter import OpeningCodec, SealingCodec
from bootstrap.outside import channels
from bootstrap.programme_file import read_programme
from bootstrap.settings import Settings, SettingsError, variable
from bootstrap.temporal import connect
from delivery.dispatch import Dispatcher
from loyalty.ports import Clock
from loyalty.programme import Programme
from storage.database import Database
from storage.desk import SqlDesk
from storage.keys import SqlKeys
from storage.message_store import SqlMessageStore
from storage.readiness import database_state
from storage.reads import SqlReads
from storage.store import SqlStore

WEATHER: tuple[type[Exception], ...] = (DBAPIError, PoolTimeout)
"""What the database being away looks like."""


@dataclass(frozen=True)
class Parts:
    """All that a process may need, each made when it is first asked for."""

    settings: Settings

    @cached_property
    def programme(self) -> Programme:
        return read_programme(self.settings.programme_file)

    @cached_property
    def clock(self) -> Clock:
        file = self.settings.clock_file
        return FileClock(file) if file else SystemClock()

    @cached_property
    def database(self) -> Database:
        if self.settings.database_url is None:
            self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        return Database(self.settings.database, pool_size=self.settings.database_connections)

    @cached_property
    def store(self) -> SqlStore:
        return SqlStore(self.database, self.clock, self.programme)

    @cached_property
    def reads(self) -> SqlReads:
        return SqlReads(self.database, self.clock)

    @cached_property
    def keys(self) -> SqlKeys:
        return SqlKeys(self.database, self.clock)

    @cached_property
    def templates(self) -> Catalogue:
        return Catalogue(self.settings.templates, self.programme)

    @cached_property
    def codec(self) -> PayloadCodec | None:
        keys = self.settings.codec()
        if not keys:
            return None
        return SealingCodec(keys) if self.settings.codec_seal else OpeningCodec(keys)

    @cached_property
    def converter(self) -> DataConverter:
        return dataclasses.replace(pydantic_data_converter, payload_codec=self.codec)

    def dispatcher(self) -> Dispatcher:
        """Sends messages; made inside a running event loop."""
        line = SqlMessageStore(self.database, self.programme, self.clock)
        return Dispatcher(line, self.programme, self.clock, channels(self.settings))

    async def connect(self, runtime: Runtime | None = None) -> Client:
        """A client of Temporal. Raises RuntimeError or RPCError while it cannot be reached."""
        settings = self.settings
        key = settings.temporal_api_key
        return await connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            converter=self.converter,
            tls=_tls(settings),
            api_key=key.get_secret_value() if key else None,
            runtime=runtime,
        )

    def services(self) -> Services:
        """What the API works with."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        temporal = _once(self.connect)
        return Services(
            store=self.store,
            reads=self.reads,
            desk=SqlDesk(self.database, self.clock, self.programme),
            keys=self.keys,
            programme=self.programme,
            clock=self.clock,
            templates=self.templates,
            check_texts=check_texts,
            registry=registry,
            new_id=lambda: str(uuid7()),
            check_database=lambda: Check(*database_state(self.database)),
            check_temporal=lambda: _check_temporal(temporal),
            temporal=temporal,
            codec=self.codec,
            codec_origins=_origins(self.settings),
            weather=WEATHER,
        )

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.dispose()


def _tls(settings: Settings) -> bool | TLSConfig:
    if not (settings.temporal_tls_ca or settings.temporal_tls_cert):
        return settings.temporal_tls
    return TLSConfig(
        server_root_ca_cert=_file(settings, "temporal_tls_ca"),
        client_cert=_file(settings, "temporal_tls_cert"),
        client_private_key=_file(settings, "temporal_tls_key"),
    )


def _file(settings: Settings, name: str) -> bytes | None:
    path: Path | None = getattr(settings, name)
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise SettingsError([f"{variable(name)}: cannot be read: {error.strerror}"]) from None


def _once(connect: Callable[[], Awaitable[Client]]) -> Callable[[], Awaitable[Client]]:
    """One client for the whole process, made when it is first needed and Temporal is there."""
    made: list[Client] = []
    turn = asyncio.Lock()

    async def client() -> Client:
        async with turn:
            if not made:
                made.append(await connect())
        return made[0]

    return client


async def _check_temporal(temporal: Callable[[], Awaitable[Client]]) -> Check:
    try:
        client = await temporal()
        await client.service_client.check_health()
    except (RPCError, RuntimeError, OSError) as error:
        return Check(False, f"Temporal does not answer ({type(error).__name__})")
    return Check(True, "Temporal answers")


def _origins(settings: Settings) -> tuple[str, ...]:
    """Where Temporal's web UI is served from: its pages ask our codec server."""
    return (settings.temporal_ui_url.rstrip("/"),) if settings.temporal_ui_url else ()
