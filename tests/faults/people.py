"""What members do in a drill, and how many points each must have for it in the end."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from loyalty.events import Purchase
from loyalty.intake import record_purchase
from loyalty.registration import Registration, register
from tests.faults.shop import Shop

WELCOME = 500
REFERRAL = 300
GREETED = 100
BOUGHT = 50
MISSED = 20


async def join(shop: Shop, members: list[str], *, invited_by: str | None = None) -> None:
    for member in members:
        registration = Registration(id=member, invited_by=invited_by)
        await shop.does(partial(register, registration=registration))


async def buy(shop: Shop, members: list[str]) -> None:
    """Each buys for 100.00; what the receipt earns is noted."""
    for member in members:
        answer = await shop.does(partial(record_purchase, purchase=receipt(member)))
        shop.points[member] += answer["points"]


def receipt(member: str) -> Purchase:
    return Purchase.model_validate(receipt_body(member))


def receipt_body(member: str) -> dict[str, Any]:
    return {
        "source": "till",
        "id": f"first-of-{member}",
        "member_id": member,
        "occurred_at": datetime.now(UTC).isoformat(),
        "currency": "CNY",
        "store": "riverside",
        "lines": [{"sku": "s1", "category": "grocery", "quantity": 1, "net_minor": 10_000}],
    }
