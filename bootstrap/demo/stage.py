"""The stage: the embedded default as real processes, in a fresh folder, on a clock that moves."""

import asyncio
import fcntl
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings
from pydantic_settings import PydanticBaseSettingsSource as Source

from bootstrap.children import Say
from bootstrap.clock import FileClock
from bootstrap.demo.data import HERE
from bootstrap.demo.mail import MailSink
from bootstrap.settings import Settings
from bootstrap.supervisor import CannotStart, Up
from bootstrap.temporal import HOST, free_port
from bootstrap.timetravel import Timetravel, at_rest, sleepers
from bootstrap.wiring import Parts
from loyalty.access import Role

FOLDER = Path(".milepost") / "demo"
USUAL_PORTS = (8000, 7233, 8233)
"""Of the API, Temporal and its web UI; where one is taken, another is used."""


class OwnSettings(Settings):
    """Settings from nowhere but here: a demonstration must not touch a real programme."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Source, *_: Source, **__: Source
    ) -> tuple[Source, ...]:
        return (init_settings,)


@dataclass
class Stage:
    """Everything that runs, and the keys to it."""

    up: Up
    parts: Parts
    clock: FileClock
    travel: Timetravel
    mail: MailSink

    def key(self, role: Role) -> str:
        """A new key, as `milepost keys create` makes it."""
        return self.parts.keys.create(f"demo {role}", role, actor="milepost demo")[0]


@asynccontextmanager
async def set_up(
    folder: Path, starts: datetime, say: Say, *, usual_ports: bool = True
) -> AsyncIterator[Stage]:
    """Start everything and watch it; stop it all at the end."""
    _clear(folder)
    mail = MailSink()
    clock = FileClock(folder / "clock")
    clock.set(starts)
    ports = [_port(usual) if usual_ports else 0 for usual in USUAL_PORTS]
    up = Up(_settings(folder, await mail.start(), *ports), say)
    try:
        await up.start()
        watching = asyncio.create_task(up.watch(asyncio.Event()))
        await _ready(up, watching)
        parts = Parts(up.settings)
        client = await parts.connect()
        resting = at_rest(parts.database, clock, sends_messages=True)
        travel = Timetravel(client, clock, sleepers(parts.database), resting)
        try:
            yield Stage(up, parts, clock, travel, mail)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            parts.close()
    finally:
        await up.stop()
        await mail.stop()


async def _ready(up: Up, watching: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(up.ready())
    await asyncio.wait([ready, watching], return_when=asyncio.FIRST_COMPLETED)
    if watching.done():
        ready.cancel()
        watching.result()  # raises what it gave up on
    await ready


def _settings(folder: Path, smtp_url: str, api: int, temporal: int, ui: int) -> Settings:
    return OwnSettings(
        data_dir=folder,
        clock_file=folder / "clock",
        programme_file=HERE / "programme.yaml",
        temporal_address=f"{HOST}:{temporal}",
        ui_port=ui,
        listen_port=api,
        time_skipping=True,
        smtp_url=SecretStr(smtp_url),
        mail_from="Completely Grocers <points@example.com>",
    )


def _port(usual: int) -> int:
    """The usual one, or any other where that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, usual))
        except OSError:
            return free_port()
    return usual


def _clear(folder: Path) -> None:
    """Begin anew, unless another demonstration is running there."""
    if not folder.exists():
        folder.mkdir(parents=True)
        return
    with (folder / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"Another demonstration is running in {folder.absolute()}.") from None
    shutil.rmtree(folder)
    folder.mkdir(parents=True)
