"""What Milepost adds to a journey's cost in the worker, beside the same journey written by hand.

    python -m benchmarks.journeys [JOURNEYS] [ROUNDS]

The reference journey (start, points and a greeting, three days or a purchase, points and thanks,
end) runs through the product's worker and through a bare SDK worker, on the same server, in turns.
CPU is the worker process's own. The last line is one JSON object.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from temporalio.client import Client

from activities.contracts import JourneyBrief, Nudge
from bootstrap.clock import SystemClock
from bootstrap.converter import data_converter
from bootstrap.temporal import DevServer, connect
from loyalty import campaigns, intake
from loyalty.campaign_request import CampaignRequest
from loyalty.events import Line, Purchase
from loyalty.journeys.load import load_named
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.registration import Registration, register
from storage.database import Database
from storage.migrate import upgrade
from storage.store import SqlStore

TEMPLATES = Path(__file__).parent / "templates"
# Short rounds, turn about: what else the machine does then falls on both sides alike.
JOURNEYS, ROUNDS, AT_ONCE, WARM_UP = 80, 8, 24, 20
LOOK_EVERY_SECONDS = 0.05
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Figures:
    """One round of one worker."""

    per_s: float
    cpu_ms: float


@dataclass(slots=True)
class Side:
    """One of the two workers, with a database of its own."""

    kind: str
    client: Client
    store: SqlStore
    queue: str
    pid: int

    async def run(self, journeys: int) -> Figures:
        """Put `journeys` members through the journey and time the worker."""
        members = [f"m-{next(_numbers)}" for _ in range(journeys)]
        for member in members:
            self.store.run(partial(register, registration=Registration(id=member)))
        gate = asyncio.Semaphore(AT_ONCE)
        cpu, began = cpu_seconds(self.pid), time.perf_counter()

        async def one(member: str) -> None:
            async with gate:
                await (self._milepost(member) if self.kind == "milepost" else self._bare(member))

        await asyncio.gather(*(one(member) for member in members))
        took = time.perf_counter() - began
        return Figures(journeys / took, (cpu_seconds(self.pid) - cpu) / journeys * 1000)

    async def _milepost(self, member: str) -> None:
        enrolment = f"j/reference/{member}/once"
        plan_hash = self.store.read(lambda tx: tx.campaigns.version("reference", 1)).plan_hash
        brief = JourneyBrief(
            enrolment_id=enrolment,
            campaign_id="reference",
            version=1,
            template="reference_journey",
            member_ref=member,
            plan_hash=plan_hash,
        )
        handle = await self.client.start_workflow(
            "reference_journey", brief, id=enrolment, task_queue=self.queue
        )
        await asyncio.to_thread(self._buy, member)
        await handle.signal("nudge", Nudge(outbox_id=1, reason="purchase"))
        await handle.result()

    async def _bare(self, member: str) -> None:
        handle = await self.client.start_workflow(
            "bare_journey", member, id=f"bare/{member}", task_queue=self.queue
        )
        await asyncio.to_thread(self._buy, member)
        await handle.signal("bought")
        await handle.result()

    def _buy(self, member: str) -> None:
        # The purchase is no part of what is compared, and both sides make it.
        purchase = Purchase(
            source="till",
            id=member,
            member_id=member,
            occurred_at=datetime.now(UTC),
            currency="CNY",
            lines=(Line(sku="s", category="grocery", net_minor=5000),),
        )
        # Members buy once they were greeted: before that, a journey would be over in one turn.
        while not self._greeted(member):
            time.sleep(LOOK_EVERY_SECONDS)
        self.store.run(lambda tx: intake.record_purchase(tx, purchase))

    def _greeted(self, member: str) -> bool:
        return self.store.read(lambda tx: tx.ledger.balance(member)).posted > 0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, from the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def worker(kind: str, address: str, url: str) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.journey_worker", kind, address, kind, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if not process.stdout.readline().startswith("ready"):
            raise SystemExit(f"the {kind} worker did not start")
        yield process.pid
        process.terminate()


def store_for(kind: str, folder: Path) -> tuple[SqlStore, str]:
    url = f"sqlite:///{folder / kind}.sqlite3"
    upgrade(url)
    store = SqlStore(Database(url, synchronous="NORMAL"), SystemClock(), Programme())
    if kind == "milepost":
        template = load_named(TEMPLATES, "reference_journey")
        request = CampaignRequest(
            id="reference", name="Reference", template="reference_journey", holdout_percent=0
        )

        def launch(tx: Transaction) -> None:
            campaigns.draft(tx, template, request, "bench", lambda made: ())
            campaigns.launch(tx, "reference", 1, "bench")

        store.run(launch)
    return store, url


async def main(journeys: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = DevServer(log=folder / "server.log")
        await server.start()
        try:
            figures = await compare(server, folder, journeys, rounds)
        finally:
            await server.stop()
    show(figures, journeys)


async def compare(
    server: DevServer, folder: Path, journeys: int, rounds: int
) -> dict[str, list[Figures]]:
    client = await connect(server.address, converter=data_converter())
    figures: dict[str, list[Figures]] = {"milepost": [], "bare": []}
    stores = {kind: store_for(kind, folder) for kind in figures}
    with (
        worker("milepost", server.address, stores["milepost"][1]) as milepost,
        worker("bare", server.address, stores["bare"][1]) as bare,
        Progress(console=Console(stderr=True)) as progress,
    ):
        sides = [
            Side(kind, client, stores[kind][0], kind, pid)
            for kind, pid in (("milepost", milepost), ("bare", bare))
        ]
        task = progress.add_task("journeys", total=2 * rounds)
        for side in sides:
            await side.run(WARM_UP)
        for n in range(rounds):
            # Turn about, so that neither always has the quieter machine.
            for side in sides if n % 2 == 0 else sides[::-1]:
                figures[side.kind].append(await side.run(journeys))
                progress.advance(task)
    return figures


def show(figures: dict[str, list[Figures]], journeys: int) -> None:
    shown = Table(
        "worker", "journeys/s", "CPU ms per journey", title=f"{journeys} journeys a round"
    )
    middle = {
        kind: Figures(
            statistics.median(f.per_s for f in rounds), statistics.median(f.cpu_ms for f in rounds)
        )
        for kind, rounds in figures.items()
    }
    pairs = list(zip(figures["milepost"], figures["bare"], strict=True))
    for pair in pairs:
        for kind, one in zip(figures, pair, strict=True):
            shown.add_row(kind, f"{one.per_s:.1f}", f"{one.cpu_ms:.1f}")
        shown.add_section()
    for kind, mid in middle.items():
        shown.add_row(f"[bold]{kind}, median", f"{mid.per_s:.1f}", f"{mid.cpu_ms:.1f}")
    Console().print(shown)
    print(
        json.dumps(
            {
                # Of the two sides of each round, which had the same machine.
                "worker_cpu_ratio": round(
                    statistics.median(ours.cpu_ms / bare.cpu_ms for ours, bare in pairs), 3
                ),
                "milepost_per_s": round(middle["milepost"].per_s, 1),
                "bare_per_s": round(middle["bare"].per_s, 1),
                "milepost_cpu_ms": round(middle["milepost"].cpu_ms, 2),
                "bare_cpu_ms": round(middle["bare"].cpu_ms, 2),
            }
        )
    )


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    asyncio.run(main(*(given + [JOURNEYS, ROUNDS][len(given) :])))
