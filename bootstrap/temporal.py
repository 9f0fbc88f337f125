"""Temporal itself: the connection to it, and the embedded server for one machine."""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from temporalio.client import Client, TLSConfig
from temporalio.common import SearchAttributeKey
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from bootstrap.settings import variable

CAMPAIGN = SearchAttributeKey.for_keyword("MilepostCampaign")
TEMPLATE = SearchAttributeKey.for_keyword("MilepostTemplate")
MEMBER = SearchAttributeKey.for_keyword("MilepostMember")
ENTRY = SearchAttributeKey.for_keyword("MilepostEntry")
SEARCH_ATTRIBUTES = (CAMPAIGN, TEMPLATE, MEMBER, ENTRY)

TIME_SKIPPING = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    # How long a skipped timer may lie before it is looked at: with the default, 1 s, every wait of
    # a story costs a second.
    'history.timerProcessorMaxTimeShift="10ms"',
)
START_SECONDS_MAX = 30
# The server picks further ports for its own services and opens them a moment later: another
# program can be quicker. It then ends at once, and the next start picks others.
STARTS_MAX = 3
PORT_TAKEN = "address already in use"
STOP_SECONDS_MAX = 10
HOST = "127.0.0.1"


class NoTemporalCli(Exception):
    """The embedded server needs the `temporal` program."""

    def __init__(self, tried: Sequence[str]) -> None:
        super().__init__(
            "The `temporal` program was not found. Install the extra `milepost[embedded]`, or name "
            f"a program of your own in {variable('temporal_cli')}. Looked at: {', '.join(tried)}."
        )


class DevServerFailed(Exception):
    """The embedded server did not come up; its log says why."""


class _PortTaken(DevServerFailed):
    """It lost the race for a port."""


def find_cli(setting: str | None = None) -> Path:
    """The `temporal` program: as set, beside this Python (the wheel's place), or on the path."""
    if setting:
        if shutil.which(setting) is None:
            raise NoTemporalCli([setting])
        return Path(setting)
    beside = Path(sys.executable).parent / "temporal"
    found = shutil.which(str(beside)) or shutil.which("temporal")
    if found is None:
        raise NoTemporalCli([str(beside), "PATH"])
    return Path(found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class DevServer:
    """A real Temporal server as a child process, its state in a file that outlives it.

    Ports left at zero are chosen when it starts and kept across `stop` and `start`. Without
    `database` the state is in memory. `time_skipping` lets stories and demonstrations elapse waits.
    """

    log: Path
    database: Path | None = None
    port: int = 0
    ui_port: int | None = None  # none = no web UI
    metrics_port: int = 0
    namespace: str = "default"
    time_skipping: bool = False
    cli: str | None = None
    # Ask the kernel to end it when the thread that starts it ends, however that comes (Linux).
    end_with_parent: bool = False
    options: Sequence[str] = field(default_factory=tuple)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start and wait until it answers; raises DevServerFailed with the end of its log."""
        chosen = (self.port, self.ui_port, self.metrics_port)
        for left in reversed(range(STARTS_MAX)):
            try:
                await self._start()
                return
            except _PortTaken:
                if not left:
                    raise
                self.port, self.ui_port, self.metrics_port = chosen

    async def _start(self) -> None:
        self.port = self.port or free_port()
        self.metrics_port = self.metrics_port or free_port()
        if self.ui_port == 0:
            self.ui_port = free_port()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            written = log.tell()
            self._process = self._spawn(log)
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                while not await self._healthy():
                    if not self.running():
                        raise self._ended(written)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            await self.stop()
            raise DevServerFailed(self._why(f"gave no answer in {START_SECONDS_MAX} s")) from None

    def _ended(self, written: int) -> DevServerFailed:
        said = self.log.read_bytes()[written:].decode(errors="replace")
        kind = _PortTaken if PORT_TAKEN in said else DevServerFailed
        return kind(self._why("ended at once"))

    async def stop(self) -> None:
        """Ask it to end, and make it end if it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)

    def kill(self) -> None:
        """End it without warning, as a power cut would (fault drills)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self) -> list[str]:
        dynamic = ["system.enableEagerWorkflowStart=true", *(TIME_SKIPPING * self.time_skipping)]
        return [
            str(find_cli(self.cli)),
            *("server", "start-dev", "--ip", HOST, "--port", str(self.port)),
            *("--namespace", self.namespace, "--metrics-port", str(self.metrics_port)),
            *("--log-format", "json", "--log-level", "warn"),
            *(["--headless"] if self.ui_port is None else ["--ui-port", str(self.ui_port)]),
            *(["--db-filename", str(self.database)] if self.database else []),
            *_each("--search-attribute", [f"{key.name}=Keyword" for key in SEARCH_ATTRIBUTES]),
            *_each("--dynamic-config-value", dynamic),
            *self.options,
        ]

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        # A group of its own: Ctrl-C reaches whoever supervises it, which then stops it in order.
        return subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent if self.end_with_parent else None,
            env={**os.environ, "TEMPORAL_CLI_DISABLE_VERSION_CHECK": "1"},
        )

    async def _healthy(self) -> bool:
        try:
            client = await Client.connect(self.address, namespace=self.namespace)
            await client.count_workflows("MilepostEntry = 'none'")
        except (RPCError, RuntimeError):
            return False
        return True

    def _why(self, what: str) -> str:
        tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
        return f"The embedded Temporal server {what}. End of {self.log}:\n{tail}"


def _end_with_parent() -> None:
    """Runs in the new process, before the program: without a parent, it gets SIGTERM."""
    set_parent_death_signal = 1
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _each(flag: str, values: Sequence[str]) -> list[str]:
    return [part for value in values for part in (flag, value)]


async def connect(
    address: str,
    *,
    namespace: str = "default",
    converter: DataConverter,
    tls: bool | TLSConfig = False,
    api_key: str | None = None,
    runtime: Runtime | None = None,
) -> Client:
    """The one way to a client, with the one data converter.

    An API key (Temporal Cloud) implies TLS.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=converter,
        tls=tls or api_key is not None,
        api_key=api_key,
        runtime=runtime,
    )
