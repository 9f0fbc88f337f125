"""The database is put back to a copy, while Temporal keeps all that happened since."""

import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url
from temporalio.client import WorkflowExecutionStatus

from bootstrap.temporal import DevServer
from loyalty import campaigns
from tests.faults.conftest import Opener
from tests.faults.people import WELCOME, buy, join
from tests.faults.shop import Shop, client_of

BEFORE = ["bought", "waits"]
SINCE = ["came", "came-and-bought"]


async def test_what_the_copy_does_not_know_is_done_once_more_and_once(
    open_shop: Opener, dev_server: DevServer, tmp_path: Path
) -> None:
    """The till sends again what was lost: whether a run ended or waits, it is heard at once."""
    shop = open_shop("sqlite", dev_server)
    await shop.launch("new_member_bonus", budget_points=100_000)
    stopped = await shop.launch("dormant_wake_up")
    shop.start("relay", "worker")
    await join(shop, BEFORE)
    await shop.at_rest()
    file, kept = str(make_url(shop.database.url).database), str(tmp_path / "kept")
    _copy(file, kept)
    await shop.does(lambda tx: campaigns.stop(tx, stopped, "changed our mind", "mia"))
    await buy(shop, ["bought"])
    await join(shop, SINCE)
    await buy(shop, ["came-and-bought"])
    await shop.ends({"ordered": 2, None: 2})
    shop.stop("relay")
    shop.stop("worker")

    _copy(kept, file)
    shop.points.clear()
    shop.start("relay", "worker")
    await join(shop, SINCE)
    await buy(shop, BEFORE + SINCE)
    for act in (campaigns.pause, campaigns.resume):
        await shop.does(partial(act, campaign_id=stopped, reason="restored", actor="mia"))

    await shop.ends({"ordered": 4})
    for member in BEFORE + SINCE:
        shop.points[member] += WELCOME
    shop.sound()
    assert await _runs(shop, f"c/{stopped}")


def _copy(source: str, target: str) -> None:
    with sqlite3.connect(source) as read, sqlite3.connect(target) as written:
        read.backup(written)
    read.close()
    written.close()


async def _runs(shop: Shop, workflow_id: str) -> bool:
    found = await (await client_of(shop)).get_workflow_handle(workflow_id).describe()
    return found.status == WorkflowExecutionStatus.RUNNING
