"""A thousand claims at once on a stock of a hundred, over HTTP against the real API."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from bootstrap.temporal import DevServer
from loyalty.exchange_window import open_offer
from tests.faults.conftest import Opener
from tests.faults.people import join
from tests.faults.shop import Shop

PRICE = 100
STOCK = 100
MEMBERS = [f"m{n:03}" for n in range(400)]
AT_ONCE = 50
REFUSALS = {"sold_out", "limit_reached", "not_enough_points"}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_thousand_claims_over_http_give_exactly_a_hundred(
    kind: str, open_shop: Opener, dev_server: DevServer
) -> None:
    """Four hundred members click a thousand times: every click is answered, a hundred get it."""
    shop = open_shop(kind, dev_server)
    campaign = await _offer(shop)
    # Every tenth member cannot pay at all, every fifth for one only.
    means = {m: 0 if n % 10 == 0 else PRICE if n % 5 == 0 else 300 for n, m in enumerate(MEMBERS)}
    await join(shop, MEMBERS)
    await _give(shop, means)
    shop.start("server")
    await shop.serving()
    slots = asyncio.Semaphore(AT_ONCE)

    async def click(number: int) -> tuple[int, str]:
        body = {
            "request_id": f"r{number}",
            "campaign_id": campaign,
            "member_id": MEMBERS[number * 7 % 400],
        }
        async with slots:
            answer = await shop.api.post("/v1/exchanges", json=body)
        return answer.status_code, answer.json().get("code", "taken")

    began = monotonic()
    answers = Counter(await asyncio.gather(*(click(n) for n in range(1000))))
    took = monotonic() - began

    assert answers[201, "taken"] == STOCK, answers
    assert set(answers) - {(201, "taken")} <= {(409, code) for code in REFUSALS}
    assert answers.total() == 1000
    assert took < 40, f"a thousand claims took {took:.1f} s"
    left, held = await shop.does(
        lambda tx: (
            tx.offers.get(campaign).remaining,
            {m: b.held for m, b in tx.ledger.balances(MEMBERS).items()},
        )
    )
    assert left == 0
    assert sum(held.values()) == STOCK * PRICE
    assert all(points <= means[member] for member, points in held.items())
    shop.points.update(means)
    shop.sound()


async def _offer(shop: Shop) -> str:
    now = datetime.now(UTC)
    campaign = await shop.launch(
        "limited_time_exchange",
        sku="cup",
        title_en="A cup",
        title_zh="杯子",
        points=PRICE,
        stock=STOCK,
        per_member=2,
        opens_at=(now + timedelta(seconds=1)).isoformat(),
        closes_at=(now + timedelta(days=2)).isoformat(),
    )
    await shop.does(lambda tx: open_offer(tx, campaign))
    return campaign


async def _give(shop: Shop, means: dict[str, int]) -> None:
    def give(tx: object) -> None:
        for member, points in means.items():
            if points:
                tx.ledger.earn(f"before/{member}", member, points, source="before")  # type: ignore[attr-defined]

    await shop.does(give)
