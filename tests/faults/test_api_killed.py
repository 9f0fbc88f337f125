"""The API dies after its transaction was committed, before it could answer."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx2

from bootstrap.temporal import DevServer
from tests.faults.conftest import Opener
from tests.faults.people import WELCOME, join, receipt_body
from tests.faults.shop import Shop

SHOPPERS = [f"m{n}" for n in range(8)]


async def test_what_the_dead_api_had_recorded_is_answered_when_it_is_sent_again(
    open_shop: Opener, dev_server: DevServer
) -> None:
    """Receipts, a registration, a visit, each sent twice: one row, one answer, points once."""
    shop = open_shop("sqlite", dev_server)
    await shop.launch("new_member_bonus", budget_points=100_000)
    await join(shop, SHOPPERS)
    sent = _requests()

    halted = shop.start_halting("server", "after-commit")
    await shop.serving()
    unanswered = [asyncio.create_task(_post(shop, *each)) for each in sent]
    await shop.until(lambda: halted.exists() and shop.recorded() == len(sent) + len(SHOPPERS))
    shop.kill(halted.stem)
    assert await asyncio.gather(*unanswered) == [None] * len(sent)

    shop.start("server", "relay", "worker")
    await shop.serving()
    for path, body in sent:
        answer = await _post(shop, path, body)
        assert answer is not None
        assert (answer.status_code, answer.headers["idempotency-replayed"]) == (200, "true")
        if path == "/v1/purchases":
            shop.points[body["member_id"]] += answer.json()["points"]
    again = await _post(shop, *sent[0])
    assert again is not None
    assert again.json() == (await shop.api.post(sent[0][0], json=sent[0][1])).json()

    await shop.at_rest()
    for member in [*SHOPPERS, "new"]:
        shop.points[member] += WELCOME
    assert shop.recorded() == len(sent) + len(SHOPPERS)
    assert shop.sound().outcomes == {"ordered": 8, None: 1}


def _requests() -> list[tuple[str, dict[str, Any]]]:
    visit = {
        "source": "app",
        "id": "visit-1",
        "type": "check_in",
        "member_id": SHOPPERS[0],
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    return [
        *(("/v1/purchases", receipt_body(member)) for member in SHOPPERS),
        ("/v1/members", {"id": "new", "name": "New"}),
        ("/v1/events", visit),
    ]


async def _post(shop: Shop, path: str, body: dict[str, Any]) -> httpx2.Response | None:
    """The answer, or none where the connection broke before it came."""
    with suppress(httpx2.TransportError):
        return await shop.api.post(path, json=body)
    return None
