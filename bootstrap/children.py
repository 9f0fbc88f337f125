"""One supervised process: started, watched, started again when it dies, stopped gracefully."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from bootstrap.temporal import DevServer, DevServerFailed

Say = Callable[[str, str], None]
"""Where a line goes: who says it, and what."""

DEATHS_MAX = 5
DEATHS_WINDOW_SECONDS = 60.0
"""Five deaths in a minute are no accident: starting again would only hide the reason."""
FIRST_PAUSE_SECONDS = 0.5
STOP_SECONDS = 30.0
"""More than a worker's grace; whoever has not ended by then is made to."""
LOOK_EVERY_SECONDS = 0.2


class GaveUp(Exception):
    """A process dies again and again; the words say what to do."""


@dataclass(slots=True)
class Deaths:
    """How often a process died of late, and how long to wait before the next start."""

    name: str
    at: list[float] = field(default_factory=list)

    def one_more(self, now: float) -> float:
        """Note a death; returns the pause before a new start, or raises GaveUp."""
        self.at = [t for t in self.at if now - t < DEATHS_WINDOW_SECONDS] + [now]
        if len(self.at) >= DEATHS_MAX:
            raise GaveUp(
                f"The {self.name} ended {DEATHS_MAX} times within a minute. "
                "Its own last words are above."
            )
        return float(FIRST_PAUSE_SECONDS * 2 ** (len(self.at) - 1))


class Child:
    """One of our own processes: `milepost <name>`."""

    def __init__(self, name: str, environment: Mapping[str, str], say: Say) -> None:
        self.name = name
        self._environment = environment
        self._say = say
        self._process: Process | None = None
        self._deaths = Deaths(name)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        # Its input is ours to hold: when we are gone, however, it notices and ends. A session of
        # its own keeps Ctrl-C away from it, so that everything is stopped in order.
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bootstrap.cli", self.name),
            env=self._environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
            limit=1 << 20,
        )

    async def run(self, changed: Callable[[], None]) -> None:
        """Watch it, and start it again whenever it dies. Raises GaveUp."""
        while self._process is not None:
            await self._pass_on(self._process)
            code = await self._process.wait()
            pause = self._deaths.one_more(asyncio.get_running_loop().time())
            self._say(self.name, f"ended with {code}; starting again in {pause:g} s")
            await asyncio.sleep(pause)
            try:
                await self.start()
            except OSError as error:  # one more death: the next look finds the dead one again
                self._say(self.name, f"cannot be started: {error.strerror}")
            changed()

    async def stop(self) -> None:
        """Ask it to end, and make it end if it does not."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        reading = asyncio.create_task(self._pass_on(process))
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            self._say(self.name, f"did not end in {STOP_SECONDS:g} s and was killed")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        reading.cancel()

    async def _pass_on(self, process: Process) -> None:
        assert process.stdout is not None
        with suppress(ValueError):  # a line without end: the rest is not worth a crash
            async for line in process.stdout:
                self._say(self.name, line.decode(errors="replace").rstrip())


class TemporalChild:
    """The embedded Temporal server, watched like the others; its state survives it in a file."""

    name = "temporal"

    def __init__(self, server: DevServer, say: Say) -> None:
        self.server = server
        self._say = say
        self._deaths = Deaths(self.name)
        self._wanted = True

    @property
    def pid(self) -> int | None:
        return self.server.pid

    async def start(self) -> None:
        await self.server.start()

    async def run(self, changed: Callable[[], None]) -> None:
        while self._wanted:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if self.server.running() or not self._wanted:
                continue
            pause = self._deaths.one_more(asyncio.get_running_loop().time())
            self._say(self.name, f"ended; starting again in {pause:g} s, log: {self.server.log}")
            await asyncio.sleep(pause)
            try:
                await self.server.start()
            except (DevServerFailed, OSError) as failure:
                self._say(self.name, str(failure))
            changed()

    async def stop(self) -> None:
        self._wanted = False
        await self.server.stop()
