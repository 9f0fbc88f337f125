"""The relay dies between sending and noting that it was sent."""

from collections import Counter

from sqlalchemy import select
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bootstrap.temporal import DevServer
from storage.tables import outbox
from tests.faults.conftest import Opener
from tests.faults.people import WELCOME, buy, join
from tests.faults.shop import Shop, client_of

MEMBERS = [f"m{n:02}" for n in range(20)]


async def test_what_the_dead_relay_had_sent_is_sent_again_and_dropped_by_temporal(
    open_shop: Opener, dev_server: DevServer
) -> None:
    """Every start and every nudge goes out twice; each journey runs once and is nudged once."""
    shop = open_shop("sqlite", dev_server)
    campaign = await shop.launch("new_member_bonus", budget_points=100_000)
    await join(shop, MEMBERS)
    halted = shop.start_halting("relay", "after-sending")
    await shop.until(halted.exists)
    shop.kill(halted.stem)
    assert _unsent(shop) == 21  # the campaign's start and everybody's
    shop.start("relay", "worker")
    await shop.at_rest()

    # Without a worker their journeys are still there when the nudges come for the second time.
    shop.stop("worker")
    shop.kill("relay")
    await buy(shop, MEMBERS)
    halted.unlink()
    shop.start_halting("relay", "after-sending")
    await shop.until(halted.exists)
    shop.kill(halted.stem)
    assert _unsent(shop) == 20
    shop.start("relay")
    await shop.until(lambda: _unsent(shop) == 0)
    shop.start("worker")
    await shop.at_rest()

    for member in MEMBERS:
        shop.points[member] += WELCOME
    found = shop.sound()
    assert found.outcomes == {"ordered": 20}
    await _each_heard_once(await client_of(shop), campaign)


def _unsent(shop: Shop) -> int:
    with shop.database.read() as connection:
        return len(connection.execute(select(outbox).where(outbox.c.sent_at.is_(None))).all())


async def _each_heard_once(client: Client, campaign: str) -> None:
    for member in MEMBERS:
        id = f"j/{campaign}/{member}/once"
        runs = [run async for run in client.list_workflows(f"WorkflowId = '{id}'")]
        assert len(runs) == 1
        kinds = Counter(
            [e.event_type async for e in client.get_workflow_handle(id).fetch_history_events()]
        )
        assert kinds[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED] == 1
