"""PostgreSQL is away for twenty seconds, in the middle of the day."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import httpx2
from sqlalchemy import create_engine, make_url, text
from temporalio.api.enums.v1 import EventType

from bootstrap.temporal import DevServer
from storage.database import Database, database_url
from tests.faults.conftest import Opener
from tests.faults.people import BOUGHT, GREETED, MISSED, join, receipt_body
from tests.faults.shop import Shop, client_of

WAITING = [f"w{n:02}" for n in range(20)]
BUYING = [f"b{n:02}" for n in range(20)]
AWAY_SECONDS = 20
EVENTS_MAX = 24
"""Of a journey whose turn failed here and waited at the server: five more than usual, not fifty."""


async def test_twenty_seconds_without_a_database_cost_time_and_nothing_else(
    open_shop: Opener, dev_server: DevServer
) -> None:
    """Purchases are refused clearly and accepted later, timers ring into the void and are heard."""
    shop = open_shop("postgres", dev_server)
    campaign = await shop.launch("timed_greeting")
    shop.start("server", "relay", "worker")
    await shop.serving()
    await join(shop, WAITING + BUYING)
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
    await shop.until(lambda: shop.outcomes() == {"bought": 20, "missed": 20}, 60)
    recovered = monotonic() - back

    for member in WAITING + BUYING:
        shop.points[member] += GREETED + (BOUGHT if member in BUYING else MISSED)
    assert shop.sound().messages == 2 * 40
    assert min(refused) >= 5
    assert recovered < 40
    longest, by_way_of_server = await _histories(shop, campaign)
    assert by_way_of_server >= len(WAITING)
    assert longest <= EVENTS_MAX


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


async def _histories(shop: Shop, campaign: str) -> tuple[int, int]:
    """The longest history, and how many journeys took a turn by way of the server."""
    client = await client_of(shop)
    longest = remote = 0
    for member in WAITING + BUYING:
        handle = client.get_workflow_handle(f"j/{campaign}/{member}/once")
        kinds = [event.event_type async for event in handle.fetch_history_events()]
        longest = max(longest, len(kinds))
        remote += EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED in kinds
    return longest, remote
