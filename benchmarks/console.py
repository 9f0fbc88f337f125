"""Every page of the console over a large programme, on SQLite and on PostgreSQL.

    python -m benchmarks.console [--quick] [--members N] [--rounds N] [--only sqlite|postgres]

A hundred thousand members with more than a million postings are made in SQL, then every page is
asked for as a browser asks, through the whole application in this process. Temporal is away. The
table has what the application took; of pages over a tenth of a second also the statement that took
longest, and how the database goes about it. The last line is one JSON object.
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import structlog
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import event, text

from api.app import create_app
from api.services import Services
from benchmarks.console_copies import Copies
from benchmarks.console_pages import Page, pages
from benchmarks.console_report import Measured, Slow, show
from benchmarks.console_story import tell
from benchmarks.console_trouble import trouble
from benchmarks.postgres import Postgres, postgres
from bootstrap.memory import rest_easy
from bootstrap.services import services
from bootstrap.settings import Settings
from bootstrap.temporal import free_port
from bootstrap.wiring import Parts
from loyalty.access import Role
from storage.database import Database
from storage.migrate import upgrade

SLOW_MS = 100.0
ROLES: tuple[Role, ...] = ("admin", "marketer", "operator")
TEMPLATE = "new_member_bonus"


@dataclass(frozen=True, slots=True)
class Size:
    members: int = 100_000
    rounds: int = 7
    warm_up: int = 1


QUICK = Size(160, 1, 0)


@dataclass(slots=True)
class Statements:
    """What the database was asked since `clear`, and how long each took."""

    seen: list[tuple[float, str, Any]] = field(default_factory=list)

    def watch(self, database: Database) -> None:
        begun: list[float] = []

        @event.listens_for(database.engine, "before_cursor_execute")
        def before(*_: Any) -> None:
            begun.append(time.perf_counter())

        @event.listens_for(database.engine, "after_cursor_execute")
        def after(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            self.seen.append((time.perf_counter() - begun.pop(), statement, parameters))

    def longest(self) -> tuple[float, str, Any] | None:
        return max(self.seen, key=lambda each: each[0], default=None)


@contextmanager
def seeded(url: str, size: Size, folder: Path, progress: Progress) -> Iterator[Parts]:
    """A large programme behind the product as it is wired; nothing listens where Temporal is."""
    name = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    task = progress.add_task(f"{name}: a small programme", total=None)
    upgrade(url)
    parts = Parts(
        Settings(data_dir=folder, database_url=url, temporal_address=f"127.0.0.1:{free_port()}")
    )
    try:
        tell(services(parts), parts.database)
        quick = Database(url, synchronous="OFF")
        copies = Copies(quick, size.members)
        progress.update(task, description=f"{name}: a large one")
        copies.make(lambda done, most: progress.update(task, completed=done, total=most))
        with quick.write() as connection:
            trouble(connection, size.members, datetime.now(UTC))
        progress.update(task, description=f"{name}: {copies.postings:,} postings")
        quick.dispose()
        yield parts
    finally:
        parts.close()


async def ask(parts: Parts, size: Size, progress: Progress) -> dict[str, Measured]:
    """Each page in turn, round after round; the first round warms up and is not counted."""
    given = services(parts)
    statements = Statements()
    statements.watch(parts.database)
    tokens = _signed_in(given)
    asked = list(_pages(given, size))
    found = {page.name: Measured() for page in asked}
    task = progress.add_task(
        parts.database.dialect, total=(size.rounds + size.warm_up) * len(asked)
    )
    transport = httpx2.ASGITransport(app=create_app(given))
    rest_easy()  # as the server does
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for number in range(size.rounds + size.warm_up):
            for page in asked:
                statements.seen.clear()
                cpu, begun = time.process_time(), time.perf_counter()
                answer = await client.send(_request(client, page, tokens[page.role]))
                took = (time.perf_counter() - begun) * 1000
                cpu = (time.process_time() - cpu) * 1000
                sent_away = "/sign-in" in answer.headers.get("location", "")
                if answer.status_code >= 400 or sent_away:
                    raise SystemExit(f"{page.path}: {answer.status_code}\n{answer.text[:2000]}")
                if number >= size.warm_up:
                    found[page.name].add(took, cpu, statements.longest())
                progress.advance(task)
    return found


def _pages(given: Services, size: Size) -> Iterator[Page]:
    files = given.shipped()[TEMPLATE]
    template = {"name": TEMPLATE}
    for number, (path, body) in enumerate(files.items()):
        template |= {f"files.{number}.path": path, f"files.{number}.text": body}
    yield from pages(size.members, given.people.list()[0].id, template)


def _signed_in(given: Services) -> dict[Role, str]:
    tokens: dict[Role, str] = {}
    for role in ROLES:
        email = f"{role}@example.com"
        who, _ = given.people.invite(name=role, email=email, role=role, actor="bench")
        tokens[role] = given.sessions.open(who.id, "password")
    return tokens


def _request(client: httpx2.AsyncClient, page: Page, token: str) -> httpx2.Request:
    headers = {**page.headers}
    if page.name != "sign-in":
        headers["cookie"] = f"milepost_session={token}"
    if page.form is None:
        return client.build_request("GET", page.path, headers=headers)
    headers["content-type"] = "application/x-www-form-urlencoded"
    return client.build_request("POST", page.path, headers=headers, content=page.body)


def explained(database: Database, statement: str, parameters: Any) -> str:
    """How the database goes about it, as it says itself."""
    lite = database.dialect == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN (ANALYZE, BUFFERS) "
    with database.read() as connection:
        if not lite:
            connection.execute(text("SET LOCAL statement_timeout = 20000"))
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


def measure(
    url: str, size: Size, folder: Path, server: Postgres | None, console: Console
) -> tuple[dict[str, Measured], list[Slow]]:
    """Figures by page, and what is known of the slow ones."""
    with Progress(console=console, refresh_per_second=2) as progress, ExitStack() as stack:
        begun = time.perf_counter()
        parts = stack.enter_context(seeded(url, size, folder, progress))
        if server is not None:
            server.administer("VACUUM ANALYZE", "console")  # as it does by itself within minutes
        console.print(f"{parts.database.dialect}: seeded in {time.perf_counter() - begun:.0f} s")
        found = asyncio.run(ask(parts, size, progress))
        slow = [
            Slow(name, each.longest, explained(parts.database, *each.longest[1:]))
            for name, each in found.items()
            if each.median > SLOW_MS and each.longest
        ]
        return found, slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a smoke run: the figures mean little")
    parser.add_argument("--members", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", choices=("sqlite", "postgres"))
    given = parser.parse_args()
    default = QUICK if given.quick else Size()
    size = Size(given.members or default.members, given.rounds or default.rounds, default.warm_up)
    console = Console(stderr=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    begun = time.perf_counter()
    found: dict[str, tuple[dict[str, Measured], list[Slow]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        if given.only != "postgres":
            url = f"sqlite:///{Path(folder) / 'console.sqlite3'}"
            found["sqlite"] = measure(url, size, Path(folder), None, console)
        if given.only != "sqlite":
            with postgres() as server:
                url = server.new_database("console")
                found["postgres"] = measure(url, size, Path(folder), server, console)
    show({name: figures for name, (figures, _) in found.items()}, SLOW_MS)
    for name, (_, slow) in found.items():
        for each in slow:
            print(each.said(name))
    console.print(f"took {time.perf_counter() - begun:.0f} s")
    slowest = {
        f"{name}_slowest_ms": round(max(each.median for each in figures.values()), 1)
        for name, (figures, _) in found.items()
    }
    over = sorted({f"{name}: {each.page}" for name, (_, slow) in found.items() for each in slow})
    print(json.dumps({**slowest, "over_100_ms": over}))


if __name__ == "__main__":
    main()
