"""Milepost's API as a user runs it: processes of their own on free ports, with a key."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.postgres import process_seconds
from bootstrap.clock import SystemClock
from bootstrap.settings import Settings
from bootstrap.temporal import free_port
from loyalty.programme import Programme
from storage.database import Database
from storage.keys import SqlKeys
from storage.migrate import upgrade
from storage.store import SqlStore

ROOT = Path(__file__).parents[1]
START_SECONDS, STOP_SECONDS = 60, 20


@dataclass(frozen=True, slots=True)
class Api:
    """The running processes, and what is needed to speak to them."""

    token: str
    ports: list[int]
    processes: list[subprocess.Popen[bytes]]

    def cpu_seconds(self) -> float:
        return sum(process_seconds(process.pid) for process in self.processes)

    def client(self) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"http://127.0.0.1:{self.ports[0]}",
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
            timeout=30,
        )


@contextmanager
def programme(url: str) -> Iterator[SqlStore]:
    """A store on a migrated database, for what a benchmark prepares and looks up directly."""
    upgrade(url)
    database = Database(url)
    try:
        yield SqlStore(database, SystemClock(), Programme())
    finally:
        database.dispose()


@contextmanager
def api(store: SqlStore, folder: Path, count: int, *command: str) -> Iterator[Api]:
    """Start processes with the settings' defaults; `command` is what follows `python -m`."""
    token, _ = SqlKeys(store.database, SystemClock()).create("bench", "admin", actor="bench")
    running = Api(token, [free_port() for _ in range(count)], [])
    log = folder / "api.log"
    try:
        for port in running.ports:
            settings = Settings(
                data_dir=folder,
                database_url=store.database.url,
                temporal_address=f"127.0.0.1:{free_port()}",  # nothing here needs Temporal
                listen_port=port,
            )
            with log.open("ab") as file:
                running.processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *(command or ("bootstrap.cli", "server"))],
                        cwd=ROOT,
                        env=settings.environment(),
                        stdin=subprocess.DEVNULL,
                        stdout=file,
                        stderr=file,
                    )
                )
        for port in running.ports:
            _wait_for(port, log)
        yield running
    finally:
        _stop(running.processes)


def _wait_for(port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise SystemExit(f"the API did not start:\n{log.read_text()[-2000:]}")


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
