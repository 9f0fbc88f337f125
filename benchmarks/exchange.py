"""A flash exchange over HTTP: many claims at once on a small stock, counted afterwards.

    python -m benchmarks.exchange [--quick] [--stock N] [--claims N] [--connections N]

A few members click on another offer first: the processes are awake when the flash begins. Then
every member clicks once, there are more of them than stock, and every click is answered: taken, or
sold out. Then the database says how many were given out, whether anybody is below zero, and whether
the ledger is sound. The last line is one JSON object.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console
from sqlalchemy import func, select

from benchmarks import http_load
from benchmarks.api_process import Api, api, programme
from benchmarks.http_load import Answers, request, write_requests
from benchmarks.ledger_proof import require_sound
from benchmarks.ledger_rows import FUNDED, add_members, fund, member_id
from benchmarks.postgres import postgres
from bootstrap.settings import Settings
from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.exchange_window import open_offer
from loyalty.journeys.load import load_named
from loyalty.ports import Transaction
from storage.store import SqlStore
from storage.tables import accounts, claims, offers

OFFER, WARM_UP, PRICE = "flash", "rehearsal", 1500
TAKEN, SOLD_OUT = "201", "409 sold_out"
MOST_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Size:
    stock: int = 2_000
    claims: int = 5_000
    warm_up: int = 800
    connections: int = 200  # as many callers as the ledger is measured with
    processes: int = 2  # one for each core of a small shop


QUICK = Size(20, 60, 10, 8, 1)


@dataclass(frozen=True, slots=True)
class Counted:
    """What the database says when everybody has clicked."""

    given_out: int
    oversold: int
    negative: int


def launch(store: SqlStore, stocks: Mapping[str, int]) -> None:
    """The offers, open from now on, each with its stock."""
    template = load_named(Settings().templates[0], "limited_time_exchange")
    now = datetime.now(UTC)
    opens_at = now + timedelta(seconds=1)
    values = {
        "sku": "cup",
        "points": PRICE,
        "per_member": 1,
        "opens_at": opens_at.isoformat(),
        "closes_at": (now + timedelta(days=2)).isoformat(),
    }

    def work(tx: Transaction, offer: str, stock: int) -> None:
        asked = CampaignRequest(
            id=offer, name=offer, template=template.name, values=values | {"stock": stock}
        )
        campaigns.draft(tx, template, asked, "bench", lambda made: ())
        campaigns.launch(tx, offer, 1, "bench")
        open_offer(tx, offer)

    for offer, stock in stocks.items():
        store.run(partial(work, offer=offer, stock=stock))
    time.sleep(max(0.0, (opens_at - datetime.now(UTC)).total_seconds()))


def clicks(offer: str, numbers: range, running: Api) -> Iterator[bytes]:
    for number in numbers:
        member = member_id(number)
        body = {"request_id": f"r{number}", "campaign_id": offer, "member_id": member}
        yield request("/v1/exchanges", running.token, json.dumps(body).encode())


def counted(store: SqlStore) -> Counted:
    """Summed from the claims, not from the counter that was to keep them in bounds."""
    units = select(func.coalesce(func.sum(claims.c.quantity), 0)).where(
        claims.c.offer_id == OFFER, claims.c.status.in_(("reserved", "confirmed"))
    )
    below = (
        select(func.count())
        .select_from(accounts)
        .where(accounts.c.kind == "member", accounts.c.balance - accounts.c.held < 0)
    )
    with store.database.read() as connection:
        stock = connection.execute(select(offers.c.stock).where(offers.c.id == OFFER)).scalar_one()
        given_out = int(connection.execute(units).scalar_one())
        negative = int(connection.execute(below).scalar_one())
    return Counted(given_out, max(0, given_out - stock), negative)


def measure(size: Size, console: Console) -> tuple[Answers, Counted]:
    with (
        postgres() as server,
        programme(server.new_database("milepost")) as store,
        tempfile.TemporaryDirectory() as name,
    ):
        with store.database.write() as connection:
            add_members(connection, size.warm_up + size.claims)
        fund(store, size.warm_up + size.claims)
        server.administer("VACUUM ANALYZE", "milepost")
        launch(store, {WARM_UP: size.warm_up // 2, OFFER: size.stock})
        with api(store, Path(name), size.processes) as running:

            def click(offer: str, numbers: range) -> Answers:
                file = Path(name) / "requests"
                write_requests(file, clicks(offer, numbers, running))
                answers = http_load.run(file, size.connections, MOST_SECONDS, running.ports)
                return answers.only(TAKEN, SOLD_OUT)

            warm = click(WARM_UP, range(1, size.warm_up + 1))
            console.print(f"{size.claims:,} members click for {size.stock:,}")
            first = size.warm_up + 1
            answers = click(OFFER, range(first, first + size.claims))
            console.print(f"answered in {answers.seconds:.1f} s: {dict(answers.count)}")
        taken = warm.count[TAKEN] + answers.count[TAKEN]
        if require_sound(store).held != taken * PRICE:
            raise SystemExit("the points held are not those of the claims that were answered")
        return answers, counted(store)


def summary(answers: Answers, found: Counted) -> dict[str, float]:
    won = Answers([row for row in answers.rows if row[0] == TAKEN])
    return {
        "claims_per_s": round(answers.per_s, 1),
        "oversold": found.oversold,
        "negative": found.negative,
        "p99_ms": round(answers.latency_ms(99), 2),
        "answered": len(answers.rows),
        "won": len(won.rows),
        "won_per_s": round(won.per_s, 1),
        "won_p99_ms": round(won.latency_ms(99), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="a smoke run: the figures mean little")
    for name in Size.__slots__:
        parser.add_argument(f"--{name}", type=int)
    given = parser.parse_args()
    default = QUICK if given.quick else Size()
    size = Size(**{name: getattr(given, name) or getattr(default, name) for name in Size.__slots__})
    assert PRICE <= FUNDED
    answers, found = measure(size, Console(stderr=True))
    if found.given_out != len([row for row in answers.rows if row[0] == TAKEN]):
        raise SystemExit(f"{found.given_out} were given out, and that is not what was answered")
    print(json.dumps(summary(answers, found)))


if __name__ == "__main__":
    main()
