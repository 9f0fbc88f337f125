"""Receipts per second over HTTP, beside the same request answered without a database.

    python -m benchmarks.intake [--quick] [--rounds N] [--seconds S] [--processes N]
                                [--connections N]

Milepost's API runs on a durable PostgreSQL server; a load generator of its own sends receipts of
five lines. Three kinds of round take turns: one receipt per request, a hundred per batch, and the
same receipts to a route that reads them and records nothing. The last line is one JSON object.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.progress import Progress

from benchmarks import http_load
from benchmarks.api_process import Api, api, programme
from benchmarks.http_load import Answers, Running, request, write_requests
from benchmarks.intake_report import Figures, show, summary
from benchmarks.intake_server import BASE
from benchmarks.ledger_proof import require_sound
from benchmarks.ledger_rows import add_members, member_id
from benchmarks.postgres import Postgres, postgres

BATCH = 100
_receipts = count(1)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run; the fastest rates decide how many requests have to be prepared."""

    rounds: int = 3
    seconds: float = 5.0
    warm_up: float = 2.0
    members: int = 20_000
    connections: int = 32
    batch_connections: int = 8
    processes: int = 1
    sample: int = 20
    most_per_s: int = 6_000
    most_batches_per_s: int = 100


QUICK = Size(1, 1.0, 0.5, 200, 4, 2, 1, 3, 3_000, 40)


@dataclass(frozen=True, slots=True)
class Till:
    """What sends receipts to the running API."""

    api: Api
    server: Postgres
    folder: Path
    size: Size

    def one_by_one(self, seconds: float) -> Figures:
        return self._run("/v1/purchases", seconds, "201")

    def base(self, seconds: float) -> Figures:
        return self._run(BASE, seconds, "201")

    def batches(self, seconds: float) -> Figures:
        wanted = max(2, round(self.size.most_batches_per_s * seconds))
        requests = (self._batch() for _ in range(wanted))
        return self._measure(requests, self.size.batch_connections, seconds, "200", BATCH)

    def _run(self, path: str, seconds: float, expected: str) -> Figures:
        requests = self.singles(path, round(self.size.most_per_s * seconds))
        return self._measure(requests, self.size.connections, seconds, expected, 1)

    def singles(self, path: str, wanted: int) -> Iterator[bytes]:
        for _ in range(wanted):
            yield request(path, self.api.token, json.dumps(self.receipt()).encode())

    def _batch(self) -> bytes:
        events = [{"type": "purchase", **self.receipt()} for _ in range(BATCH)]
        return request("/v1/events", self.api.token, json.dumps({"events": events}).encode())

    def receipt(self, member: str | None = None) -> dict[str, Any]:
        """Five lines, a member in turn, never the same receipt again."""
        number = next(_receipts)
        at = datetime.now(UTC) - timedelta(seconds=number % 3600)
        return {
            "source": "till-12",
            "id": f"bench-{number:012}",
            # A step that shares no factor with the number of members: all of them in turn.
            "member_id": member or member_id(1 + number * 7919 % self.size.members),
            "occurred_at": at.isoformat(),
            "currency": "CNY",
            "store": "riverside",
            "channel": "store",
            "lines": [
                {
                    "sku": f"sku-{(number + line) % 5000:06}",
                    "category": ("fresh", "grocery", "household", "grocery", "fresh")[line],
                    "quantity": 1 + line % 2,
                    "net_minor": 990 + (number + line) * 37 % 9000,
                }
                for line in range(5)
            ],
        }

    def _measure(
        self,
        requests: Iterator[bytes],
        connections: int,
        seconds: float,
        expected: str,
        each: int,
    ) -> Figures:
        file = self.folder / "requests"
        write_requests(file, requests)
        before = self.api.cpu_seconds(), self.server.cpu_seconds()
        answers = http_load.run(file, connections, seconds, self.api.ports).only(expected)
        after = self.api.cpu_seconds(), self.server.cpu_seconds()
        return _figures(answers, each, after[0] - before[0], after[1] - before[1])

    def sample(self) -> None:
        """While receipts pour in, each of some members sees their points with the next read."""
        file = self.folder / "requests"
        seconds = self.size.warm_up
        write_requests(file, self.singles("/v1/purchases", round(self.size.most_per_s * seconds)))
        load = Running(file, self.size.connections, seconds, self.api.ports)
        with self.api.client() as client:
            for number in range(self.size.sample):
                self._buy_and_look(client, f"watched-{number}")
        load.answers().only("201")

    def _buy_and_look(self, client: httpx2.Client, member: str) -> None:
        client.post("/v1/members", json={"id": member}).raise_for_status()
        given = client.post("/v1/purchases", json=self.receipt(member)).raise_for_status().json()
        seen = client.get(f"/v1/members/{member}/balance").raise_for_status().json()
        if not given["points"] == seen["available"] > 0:
            raise SystemExit(f"{given['points']} points were answered and {seen} was read next")


def _figures(answers: Answers, each: int, api_seconds: float, server_seconds: float) -> Figures:
    receipts = len(answers.rows) * each
    return Figures(
        answers.per_s * each,
        answers.latency_ms(50),
        answers.latency_ms(99),
        api_seconds / receipts * 1e6,
        server_seconds / receipts * 1e6,
    )


def measure(size: Size, console: Console) -> dict[str, list[Figures]]:
    with (
        postgres() as server,
        programme(server.new_database("milepost")) as store,
        tempfile.TemporaryDirectory() as folder,
    ):
        with store.database.write() as connection:
            add_members(connection, size.members)
        server.administer("VACUUM ANALYZE", "milepost")
        with api(store, Path(folder), size.processes, "benchmarks.intake_server") as running:
            till = Till(running, server, Path(folder), size)
            till.sample()
            console.print(f"{size.sample} receipts seen by the next read")
            figures = _in_turns(till, size, console)
        require_sound(store)
    return figures


def _in_turns(till: Till, size: Size, console: Console) -> dict[str, list[Figures]]:
    runs: dict[str, Callable[[float], Figures]] = {
        "base": till.base,
        "receipts": till.one_by_one,
        "batches": till.batches,
    }
    figures: dict[str, list[Figures]] = {name: [] for name in runs}
    with Progress(console=console, refresh_per_second=2) as progress:
        task = progress.add_task("warming up", total=size.rounds * len(runs))
        for run in runs.values():
            run(size.warm_up)
        for number in range(size.rounds):
            for name in list(runs) if number % 2 == 0 else list(runs)[::-1]:
                progress.update(task, description=name)
                figures[name].append(runs[name](size.seconds))
                progress.advance(task)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a smoke run: the figures mean little")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--connections", type=int)
    given = parser.parse_args()
    default = QUICK if given.quick else Size()
    size = Size(
        **{name: getattr(default, name) for name in Size.__slots__}
        | {name: value for name, value in vars(given).items() if value and name != "quick"}
    )
    figures = measure(size, Console(stderr=True))
    show(figures)
    print(json.dumps(summary(figures)))


if __name__ == "__main__":
    main()
