"""The Temporal server dies with its state in a file, journeys waiting and in flight."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bootstrap.temporal import DevServer
from tests.faults.conftest import Opener
from tests.faults.people import BOUGHT, GREETED, MISSED, buy, join

EARLY = [f"e{n:02}" for n in range(20)]
LATE = [f"l{n:02}" for n in range(20)]
AWAY_SECONDS = 3


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[DevServer]:
    server = DevServer(log=tmp_path / "temporal.log", database=tmp_path / "temporal.db")
    await server.start()
    yield server
    await server.stop()


async def test_a_temporal_server_killed_and_restarted_on_its_file_loses_no_journey(
    open_shop: Opener, own_server: DevServer
) -> None:
    """Twenty wait, twenty have just joined; half of them buy while there is no server at all."""
    shop = open_shop("sqlite", own_server)
    await shop.launch("timed_greeting")
    shop.start("relay", "worker")
    await join(shop, EARLY)
    await shop.at_rest()
    await join(shop, LATE)  # their starts are on the way

    own_server.kill()
    buyers = EARLY[:10] + LATE[:10]
    await buy(shop, buyers)
    await asyncio.sleep(AWAY_SECONDS)
    await own_server.start()

    await shop.ends({"bought": 20, "missed": 20})
    for member in EARLY + LATE:
        shop.points[member] += GREETED + (BOUGHT if member in buyers else MISSED)
    assert shop.sound().messages == 2 * 40
