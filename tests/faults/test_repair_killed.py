"""The process that carries repairs out dies in the middle of a job."""

from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import select

from bootstrap.temporal import DevServer
from loyalty import repair_jobs
from loyalty.repairs import JobRequest
from storage import tables
from storage.tables import audit, messages, repair_items
from tests.faults.conftest import Opener
from tests.faults.shop import Shop
from tests.storage.rows import message

MANY = 30
KEYS = tuple(f"m{n:02}" for n in range(MANY))


async def test_every_item_of_a_job_is_acted_on_once_whoever_dies(
    open_shop: Opener, dev_server: DevServer
) -> None:
    """Killed before a commit, then after one: the job goes on where it was, and ends."""
    shop = open_shop("sqlite", dev_server)
    now = datetime.now(UTC)
    rows = [message(key, channel="inbox", status="failed", due_at=now) for key in KEYS]
    with shop.database.write() as connection:
        connection.execute(messages.insert(), rows)
    request = JobRequest(
        id="j1", list="failed_messages", act="resend", reason="mended", pace=6000, targets=KEYS
    )
    await shop.does(lambda tx: repair_jobs.start(tx, request, KEYS, "ola"))

    # Nothing else of the relay goes through `run` here: each call is an item of the job.
    for place, spare in (("before-commit", 7), ("after-commit", 9)):
        halted = shop.start_halting("relay", place, spare)
        await shop.until(halted.exists)
        shop.kill(halted.stem)
        halted.unlink()
    assert 0 < _done(shop) < MANY
    shop.start("relay")
    await shop.until(lambda: _state(shop) == "done")

    assert _done(shop) == MANY
    assert Counter(_resent(shop)) == Counter(KEYS)


def _done(shop: Shop) -> int:
    with shop.database.read() as connection:
        query = select(repair_items.c.target).where(repair_items.c.state == "done")
        return len(connection.execute(query).all())


def _state(shop: Shop) -> str:
    with shop.database.read() as connection:
        return str(connection.execute(select(tables.repair_jobs.c.state)).scalar_one())


def _resent(shop: Shop) -> list[str]:
    with shop.database.read() as connection:
        query = select(audit.c.target).where(audit.c.action == "message.resend")
        return list(connection.execute(query).scalars())
