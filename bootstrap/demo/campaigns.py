"""The four campaigns of the demonstration: each from its template, with the template's figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bootstrap.demo.cast import Cast, Person
from bootstrap.demo.data import ZONE, draw
from bootstrap.demo.till import Api, Refused

WELCOME, TASKS, WAKE_UP, CUP = "welcome-2027", "tasks-2027", "wake-up-2027", "cup-may-2027"
OPENS = datetime(2027, 5, 14, 10, 0, tzinfo=ZONE)
CLOSES = datetime(2027, 5, 16, 22, 0, tzinfo=ZONE)
STOCK = 8
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
        draft = await marketer.post("/v1/campaigns", request)
        await marketer.post(f"/v1/campaigns/{request['id']}/launch", {"version": draft["version"]})


@dataclass
class Claims:
    """Members take the cup while they can: whoever wants it and has the points."""

    sold_out: int = 0

    async def take(self, shop: Api, member: str) -> None:
        """Take the cup, if the points are there; an app would not offer it otherwise."""
        balance = await shop.get(f"/v1/members/{member}/balance")
        if balance["available"] < PRICE:
            return
        claim = {"request_id": f"app-{member}", "campaign_id": CUP, "member_id": member}
        status, answer = await shop.tried("/v1/exchanges", claim)
        if status == 409 and answer["code"] == "sold_out":
            self.sold_out += 1
            return
        if status != 201:
            raise Refused(f"{member} could not claim: {answer['detail']}")
        await self._settle(shop, member, answer["claim_id"])

    async def _settle(self, shop: Api, member: str, claim: str) -> None:
        """Most take the cup home; some change their mind; some never come back to the till."""
        fate = draw(member, "claim", 10)
        if fate < 7:
            await shop.post(f"/v1/exchanges/{claim}/confirm")
        elif fate < 9:
            reason = {"fault": "member", "reason": "changed_mind"}
            await shop.post(f"/v1/exchanges/{claim}/release", reason)


def takers(people: Cast, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    """Who would take the cup in this stretch, and when."""
    hours = [(hour, each.id) for each in people.members if (hour := _hour(each))]
    return sorted((hour, member) for hour, member in hours if since < hour <= until)


def _hour(person: Person) -> datetime | None:
    """When a member would take the cup; every second one wants it at all."""
    new = person.joins.date() >= OPENS.date()
    hour = OPENS + timedelta(minutes=draw(person.id, "minute", 60 * 59))
    return None if draw(person.id, "wants", 2) or new else hour
