"""The four campaigns of the demonstration: each from its template, with the template's figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bootstrap.demo.cast import Cast, Person
from bootstrap.demo.data import ZONE, draw
from bootstrap.demo.till import Api

WELCOME, TASKS, WAKE_UP, CUP = "welcome-2027", "tasks-2027", "wake-up-2027", "cup-may-2027"
OPENS = datetime(2027, 5, 14, 10, 0, tzinfo=ZONE)
CLOSES = datetime(2027, 5, 16, 22, 0, tzinfo=ZONE)
STOCK = 40
PRICE = 1500

REQUESTS: tuple[Mapping[str, Any], ...] = (
    {"id": WELCOME, "name": "Welcome", "template": "new_member_bonus"},
    {"id": TASKS, "name": "Tasks of the month", "template": "monthly_task_pack"},
    {"id": WAKE_UP, "name": "We miss you", "template": "dormant_wake_up"},
    {
        "id": CUP,
        "name": "A cup for fewer points",
        "template": "limited_time_exchange",
        "values": {
            "points": PRICE,
            "stock": STOCK,
            "opens_at": OPENS.isoformat(),
            "closes_at": CLOSES.isoformat(),
        },
    },
)


def in_words() -> str:
    return ", ".join(f"{each['id']} from {each['template']}" for each in REQUESTS)


async def launch(marketer: Api) -> None:
    """Draft each campaign from its template, then launch it."""
    for request in REQUESTS:
        await marketer.post("/v1/campaigns", request)
        await marketer.post(f"/v1/campaigns/{request['id']}/launch")


@dataclass
class Claims:
    """Members take the cup while they can: whoever wants it and has the points."""

    made: int = 0
    sold_out: int = 0
    confirmed: int = 0
    released: int = 0
    left: int = 0

    async def due(self, shop: Api, people: Cast, since: datetime, until: datetime) -> None:
        """Those whose hour lies in this stretch, in order."""
        if since >= CLOSES or until <= OPENS:
            return
        coming = sorted((hour, each.id) for each in people.members if (hour := _hour(each)))
        for hour, member in coming:
            if since < hour <= until and hour < CLOSES:
                await self._claim(shop, member)

    async def _claim(self, shop: Api, member: str) -> None:
        balance = await shop.get(f"/v1/members/{member}/balance")
        if balance["available"] < PRICE:
            return
        claim = {"request_id": f"app-{member}", "campaign_id": CUP, "member_id": member}
        status, answer = await shop.tried("/v1/exchanges", claim)
        if status == 409 and answer["code"] == "sold_out":
            self.sold_out += 1
            return
        if status != 201:
            raise RuntimeError(f"{member} could not claim: {answer}")
        self.made += 1
        await self._settle(shop, member, answer["claim_id"])

    async def _settle(self, shop: Api, member: str, claim: str) -> None:
        """Most take the cup home; some change their mind; some never come back to the till."""
        fate = draw(member, "fate", 10)
        if fate < 8:
            await shop.post(f"/v1/exchanges/{claim}/confirm")
            self.confirmed += 1
        elif fate == 8:
            reason = {"fault": "member", "reason": "changed_mind"}
            await shop.post(f"/v1/exchanges/{claim}/release", reason)
            self.released += 1
        else:
            self.left += 1


def _hour(person: Person) -> datetime | None:
    """When a member would take the cup; every second one wants it at all."""
    hour = OPENS + timedelta(minutes=draw(person.id, "minute", 60 * 59))
    return None if draw(person.id, "wants", 2) or person.joins >= hour else hour
