"""A programme made of real processes, which a drill starts and kills one by one."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from sqlalchemy import func, select
from temporalio.client import Client

from bootstrap.clock import SystemClock
from bootstrap.converter import data_converter
from bootstrap.settings import Settings
from bootstrap.temporal import connect, free_port
from bootstrap.timetravel import at_rest
from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.journeys.load import load_named
from loyalty.programme import Programme
from storage.database import Database
from storage.keys import SqlKeys
from storage.store import SqlStore
from storage.tables import enrolments, inbox
from tests.faults.sound import Found, sound
from tests.stories import TEMPLATES

ROOT = Path(__file__).parents[2]
DRILL_TEMPLATES = Path(__file__).parent / "templates"
START_SECONDS = 40
REST_SECONDS = 60
T = TypeVar("T")
_drills = count(1)


@dataclass
class Shop:
    """One programme: its database, its place on a Temporal server, its processes, its till."""

    folder: Path
    settings: Settings
    database: Database
    store: SqlStore
    api: httpx2.AsyncClient
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    points: Counter[str] = field(default_factory=Counter)
    """What each member must have in the end."""
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the till keeps until it was taken."""

    # --- processes ------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start processes of the product: `server`, `worker`, `relay`."""
        for name in names:
            self._spawn(name, "bootstrap.cli", name)

    def start_halting(self, process: str, place: str, spare: int = 0) -> Path:
        """Start one that stands still at a place; returns the file it writes when it does."""
        flag = self.folder / f"{process}.{place}.halted"
        self._spawn(process, "tests.faults.halting", process, place, str(spare), str(flag), of=flag)
        return flag

    def _spawn(self, name: str, module: str, *arguments: str, of: Path | None = None) -> None:
        name = of.stem if of else name
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=_environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """End the process as a power cut would."""
        process = self.processes.pop(name)
        assert process.poll() is None, f"{name} ended by itself:\n{self.logs()}"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> None:
        """Ask the process to end, and wait until it has finished what it began."""
        process = self.processes.pop(name)
        process.terminate()
        assert process.wait(30) == 0, self.logs()

    def close(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def logs(self) -> str:
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {each.name}\n{each.read_text()[-3000:]}" for each in files)

    # --- waiting --------------------------------------------------------------------------------

    async def until(self, happened: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not await asyncio.to_thread(happened):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"it did not happen in {seconds} s\n{self.logs()}") from None

    async def at_rest(self, seconds: float = REST_SECONDS) -> None:
        """Wait until everything that was decided has been carried out."""
        await self.until(at_rest(self.database, SystemClock()), seconds)

    async def serving(self) -> None:
        """Wait until the API answers that it can work."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    if (await self.api.get("/readyz")).status_code == 200:
                        return
                except httpx2.HTTPError:
                    pass
                await asyncio.sleep(0.1)

    async def ends(self, outcomes: dict[str | None, int], seconds: float = REST_SECONDS) -> None:
        """Wait until this many journeys have ended in each way; none = still under way."""
        try:
            await self.until(lambda: self.outcomes() == outcomes, seconds)
        except AssertionError as late:
            raise AssertionError(f"{self.outcomes()} instead of {outcomes}: {late}") from None
        await self.at_rest(seconds)

    def sound(self) -> Found:
        return sound(self.database, self.points, now=datetime.now(UTC))

    def outcomes(self) -> dict[str | None, int]:
        with self.database.read() as connection:
            return dict(Counter(connection.execute(select(enrolments.c.outcome)).scalars()))

    def recorded(self) -> int:
        """How many events the inbox holds."""
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(inbox)).scalar_one()

    # --- what people do -------------------------------------------------------------------------

    async def does(self, work: Callable[[Any], T]) -> T:
        return await asyncio.to_thread(self.store.run, work)

    async def launch(self, template: str, **values: Any) -> str:
        """Launch a campaign that treats everybody."""
        root = TEMPLATES if (TEMPLATES / template).is_dir() else DRILL_TEMPLATES
        read = load_named(root, template)
        request = CampaignRequest(
            # Drills share a Temporal server, where every workflow's id is taken once.
            id=f"{self.settings.temporal_task_queue}-{template.replace('_', '-')}",
            name=template,
            template=template,
            values=values,
            holdout_percent=0,
        )

        def work(tx: Any) -> None:
            campaigns.draft(tx, read, request, "marketer", lambda made: ())
            campaigns.launch(tx, request.id, 1, "marketer")

        await self.does(work)
        return request.id


@contextmanager
def opened(
    database: Database, folder: Path, temporal_address: str, *, database_url: str | None = None
) -> Iterator[Shop]:
    """A shop with nothing running yet; whatever a drill leaves running ends with it."""
    port = free_port()
    settings = Settings(
        data_dir=folder,
        database_url=database_url or database.url,
        temporal_address=temporal_address,
        temporal_task_queue=f"drill{next(_drills)}",
        listen_port=port,
        log_level="warning",
        log_format="console",
    )
    clock = SystemClock()
    token, _ = SqlKeys(database, clock).create("drill", "admin", actor="drill")
    api = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=30,
        # Shorter than the server keeps idle connections, so that none is closed under a request.
        limits=httpx2.Limits(max_connections=50, keepalive_expiry=2),
    )
    store = SqlStore(database, clock, Programme())
    shop = Shop(folder, settings, database, store, api)
    try:
        yield shop
    finally:
        shop.close()


def _environment(settings: Settings) -> dict[str, str]:
    """The processes' environment; where nobody keeps bytecode, theirs is kept apart.

    A drill starts a dozen processes, and compiling every library takes each of them seconds.
    """
    environment = settings.environment()
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        kept = Path(tempfile.gettempdir()) / f"milepost-bytecode-{os.getuid()}"
        environment.setdefault("PYTHONPYCACHEPREFIX", str(kept))
    return environment


async def client_of(shop: Shop) -> Client:
    return await connect(shop.settings.temporal_address, converter=data_converter())
