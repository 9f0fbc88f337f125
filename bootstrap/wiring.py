"""Where everything is put together; nothing else knows which class stands behind which port."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from temporalio.client import Client
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.runtime import Runtime
from temporalio.service import TLSConfig

from bootstrap.catalogue import Catalogue
from bootstrap.clock import FileClock, SystemClock
from bootstrap.converter import OpeningCodec, SealingCodec, converter_with
from bootstrap.programme_file import read_programme
from bootstrap.sealing import Seal, seal_with
from bootstrap.setting_places import make_folder, read_bytes
from bootstrap.settings import Settings
from bootstrap.temporal import connect
from loyalty.ports import Clock
from loyalty.programme import Programme
from storage.database import Database
from storage.keys import SqlKeys
from storage.people import SqlPeople
from storage.reads import SqlReads
from storage.sessions import SqlSessions
from storage.store import SqlStore


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
            make_folder("data_dir", self.settings.data_dir)
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
    def people(self) -> SqlPeople:
        return SqlPeople(self.database, self.clock)

    @cached_property
    def sessions(self) -> SqlSessions:
        # Whoever is signed in sits at a real browser: a programme whose clock is moved on, as a
        # demonstration's is, shows its pages to them all the while.
        return SqlSessions(self.database, SystemClock())

    @cached_property
    def seal(self) -> Seal:
        return seal_with(self.settings, self.database, self.clock)

    @cached_property
    def templates(self) -> Catalogue:
        return Catalogue(self.settings.templates, self.programme, self.store)

    @cached_property
    def codec(self) -> PayloadCodec | None:
        keys = self.settings.codec()
        if not keys:
            return None
        return SealingCodec(keys) if self.settings.codec_seal else OpeningCodec(keys)

    @cached_property
    def converter(self) -> DataConverter:
        return converter_with(self.codec)

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

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()
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
    return read_bytes(name, path) if path else None
