"""A closed-loop load of HTTP/1.1 requests, from a process of its own.

    python -m benchmarks.http_load REQUESTS CONNECTIONS SECONDS PORT [PORT ...]

Every connection is kept open and sends its next request as soon as it has its answer. Requests are
whole, prepared bytes (`Requests.write`), sent in order and once each; a run ends when they or the
seconds are used up. Standard output: one JSON list of [answer, done, latency], an answer being its
status and the problem's code (`409 sold_out`), times in milliseconds, done since the first request.
"""

import asyncio
import json
import re
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.figures import percentile

HOST = "127.0.0.1"
PATIENCE_SECONDS = 60
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CODE = re.compile(rb'"code": ?"(\w+)"')
_SIZE = struct.Struct("!I")


def request(path: str, token: str, body: bytes, method: str = "POST") -> bytes:
    """One whole request of an API client."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for each in requests:
            file.write(_SIZE.pack(len(each)) + each)


def _read_requests(path: Path) -> Iterator[bytes]:
    data, at = path.read_bytes(), 0
    while at < len(data):
        (size,) = _SIZE.unpack_from(data, at)
        at += _SIZE.size
        yield data[at : at + size]
        at += size


@dataclass(frozen=True, slots=True)
class Answers:
    """Every answer of a run."""

    rows: list[tuple[str, float, float]]

    @property
    def count(self) -> Counter[str]:
        return Counter(answer for answer, _, _ in self.rows)

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return max((done for _, done, _ in self.rows), default=0.0) / 1000

    @property
    def per_s(self) -> float:
        return len(self.rows) / self.seconds if self.rows else 0.0

    def latency_ms(self, percent: float) -> float:
        return percentile([latency for _, _, latency in self.rows], percent)

    def only(self, *allowed: str) -> "Answers":
        """Itself, if nothing else was answered."""
        strange = set(self.count) - set(allowed)
        if strange or not self.rows:
            raise SystemExit(f"the API answered {dict(self.count)}")
        return self


class Running:
    """The load as a process that was started and is waited for."""

    def __init__(self, requests: Path, connections: int, seconds: float, ports: list[int]) -> None:
        self._limit = seconds + PATIENCE_SECONDS + 10
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.http_load", str(requests), str(connections),
             str(seconds), *map(str, ports)],
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def answers(self) -> Answers:
        try:
            out, _ = self._process.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        if self._process.returncode:
            raise SystemExit("the load generator failed")
        return Answers([tuple(row) for row in json.loads(out)])


def run(requests: Path, connections: int, seconds: float, ports: list[int]) -> Answers:
    """Run the load and wait for it."""
    return Running(requests, connections, seconds, ports).answers()


# --- the process --------------------------------------------------------------------------------


class _Load:
    """What all connections share."""

    def __init__(self, requests: list[bytes], connections: int, seconds: float) -> None:
        self._requests = iter(requests)
        self._open = connections
        self.began = time.perf_counter()
        self._until = self.began + seconds
        self.rows: list[tuple[str, float, float]] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next(self, now: float) -> bytes | None:
        return next(self._requests, None) if now < self._until else None

    def closed(self) -> None:
        self._open -= 1
        if self._open == 0 and not self.over.done():
            self.over.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._buffer = b""
        self._asked_at: float | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head + 2)
        end = head + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < end:
            return
        now = time.perf_counter()
        status = self._buffer[9:12].decode()
        if status >= "400" and (code := _CODE.search(self._buffer, head)):
            status += f" {code[1].decode()}"
        self._note(status, now)
        self._buffer = self._buffer[end:]
        self._ask(now)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asked_at is not None:
            self._note("lost", time.perf_counter())
        self._load.closed()

    def _note(self, answer: str, now: float) -> None:
        assert self._asked_at is not None
        done, took = (now - self._load.began) * 1000, (now - self._asked_at) * 1000
        self._load.rows.append((answer, round(done, 3), round(took, 3)))
        self._asked_at = None

    def _ask(self, now: float) -> None:
        assert self._transport is not None
        request = self._load.next(now)
        if request is None:
            self._transport.close()
            return
        self._asked_at = now
        self._transport.write(request)


async def _main(requests: Path, connections: int, seconds: float, ports: list[int]) -> None:
    prepared = list(_read_requests(requests))
    loop = asyncio.get_running_loop()
    load = _Load(prepared, connections, seconds)
    for number in range(connections):
        port = ports[number % len(ports)]
        await loop.create_connection(lambda: _Connection(load), HOST, port)
    async with asyncio.timeout(seconds + PATIENCE_SECONDS):
        await load.over
    sys.stdout.write(json.dumps(load.rows))


if __name__ == "__main__":
    given = sys.argv[1:]
    uvloop.run(_main(Path(given[0]), int(given[1]), float(given[2]), [int(p) for p in given[3:]]))
