"""PostgreSQL is away for twenty seconds, in the middle of the day."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import httpx2
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from temporalio.api.enums.v1 import EventType

from bootstrap.temporal import DevServer
from storage.database import Database, database_url
from tests.faults.conftest import Opener
from tests.faults.people import GREETED, MISSED, WELCOME, join, receipt_body
from tests.faults.shop import Shop, client_of

WAITING = [f"w{n:02}" for n in range(20)]
BUYING = [f"b{n:02}" for n in range(20)]
AWAY_SECONDS = 20
EVENTS_MAX = 20
"""Of a journey whose turn failed here and waited at the server: five more than usual, not fifty."""


async def test_twenty_seconds_without_a_database_cost_time_and_nothing_else(
    open_shop: Opener, dev_server: DevServer
) -> None:
    """Purchases are refused clearly and accepted later, timers ring into the void and are heard."""
    shop = open_shop("postgres", dev_server)
    bonus = await shop.launch("new_member_bonus", budget_points=100_000)
    shop.start("server", "relay", "worker")
    await shop.serving()
    await join(shop, BUYING)
    timed = await shop.launch("timed_greeting")
    await join(shop, WAITING)
    await shop.at_rest()

    with _away(shop.database):
        first = await _post(shop, BUYING[0])
        assert first.status_code == 503
        assert first.headers["content-type"] == "application/problem+json"
        assert first.json()["code"] == "unavailable"
        assert "retry-after" in first.headers
        tills = asyncio.gather(*(_until_recorded(shop, member) for member in BUYING))
        await asyncio.sleep(AWAY_SECONDS)
    back = monotonic()
    refused = await tills
    await shop.ends({"missed": 20, "ordered": 20, None: 20})
    recovered = monotonic() - back

    for member in WAITING + BUYING:
        shop.points[member] += WELCOME + (GREETED + MISSED if member in WAITING else 0)
    assert shop.sound().messages == 40 + 20 + 2 * 20
    assert min(refused) >= 5
    assert recovered < 40
    longest, by_way_of_server = await _histories(shop, timed, WAITING)
    assert by_way_of_server == len(WAITING)
    assert longest <= EVENTS_MAX, longest
    longest, _ = await _histories(shop, bonus, BUYING)
    assert longest <= EVENTS_MAX, longest


def test_a_database_that_is_cut_off_is_noticed_within_seconds() -> None:
    """Its port is open and nothing answers: that is an error soon, not a till that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(f"postgresql://shop@127.0.0.1:{silent.getsockname()[1]}/shop")
        began = monotonic()
        with pytest.raises(OperationalError), database.read() as connection:
            connection.execute(text("SELECT 1"))
        assert monotonic() - began < 10


@contextmanager
def _away(database: Database) -> Iterator[None]:
    """Nobody gets in, and whoever was in is thrown out in the middle of what they did."""
    url = database_url(database.url)
    name = url.database
    outside = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")

    def say(statement: str) -> None:
        with outside.connect() as connection:
            connection.execute(text(statement))

    say(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    say(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    try:
        yield
    finally:
        say(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        outside.dispose()


async def _post(shop: Shop, member: str) -> httpx2.Response:
    body: dict[str, Any] = shop.kept.setdefault(member, receipt_body(member))
    return await shop.api.post("/v1/purchases", json=body)


async def _until_recorded(shop: Shop, member: str) -> int:
    """A till that sends its receipt again until it is taken; returns how often it was refused."""
    refused = 0
    while (answer := await _post(shop, member)).status_code not in (200, 201):
        assert answer.status_code == 503, answer.text
        refused += 1
        await asyncio.sleep(1)
    shop.points[member] += answer.json()["points"]
    return refused


async def _histories(shop: Shop, campaign: str, members: list[str]) -> tuple[int, int]:
    """The longest history, and how many journeys took a turn by way of the server."""
    client = await client_of(shop)
    longest = remote = 0
    for member in members:
        handle = client.get_workflow_handle(f"j/{campaign}/{member}/once")
        kinds = [event.event_type async for event in handle.fetch_history_events()]
        longest = max(longest, len(kinds))
        remote += EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED in kinds
    return longest, remote
