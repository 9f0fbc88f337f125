"""Every ending of every template, played with the product's own turns for the record.

Waits keep their place and their meaning, only not their length: where a case says `hurried`, the
timer is set to a fraction of a second, and the turn after it is judged at the instant the template
names. So the server needs no time skipping, which would leave events that production never has.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client

from activities.campaign import CampaignActivities
from activities.contracts import TurnOutcome, TurnRequest
from activities.exchange import ExchangeActivities
from activities.journey import JourneyActivities
from bootstrap.turns import Turns
from loyalty.ports import Clock, Store, Transaction
from storage.database import Database
from storage.migrate import upgrade
from tests.stories import FIRST_DAY, SHANGHAI, Told, telling

HURRIED_SECONDS = 0.3
FOREVER = 1000
PATIENCE_SECONDS = 30
FEBRUARY = datetime(2027, 2, 1, 9, 0, tzinfo=SHANGHAI)
DAY = timedelta(days=1)


class Hurry:
    """How many of the next waits of journeys, campaigns and orders are cut short."""

    def __init__(self) -> None:
        self.journeys = 0
        self.campaigns = 0
        self.orders = 0

    def activities(self, store: Store, clock: Clock) -> Sequence[Callable[..., Any]]:
        turns = Turns(store, clock)
        return [
            JourneyActivities(self._hurried("journeys", turns.journey)).apply_step,
            CampaignActivities(self._hurried("campaigns", turns.campaign)).campaign_turn,
            ExchangeActivities(self._hurried("orders", turns.order)).settle_order,
        ]

    def _hurried(
        self, kind: str, turn: Callable[[TurnRequest], TurnOutcome]
    ) -> Callable[[TurnRequest], TurnOutcome]:
        def take(request: TurnRequest) -> TurnOutcome:
            outcome = turn(request)
            left: int = getattr(self, kind)
            if left and not outcome.ended and outcome.sleep_seconds:
                setattr(self, kind, left - 1)
                return outcome.model_copy(update={"sleep_seconds": HURRIED_SECONDS})
            return outcome

        return take


@dataclass(frozen=True, slots=True)
class Played:
    """A story under way, and what of it is kept."""

    told: Told
    hurry: Hurry

    async def at(self, instant: datetime) -> None:
        self.told.clock.set(instant)

    async def ended(self, id: str) -> str:
        """Wait until a run has ended by itself; returns its id."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.told.client.get_workflow_handle(id).result()
        return id

    async def journey(self, name: str, campaign: str) -> str:
        return await self.ended((await self.told.enrolment(name, campaign)).id)

    async def order(self, claim: dict[str, Any]) -> str:
        return await self.ended(f"x/{claim['claim_id']}")

    async def campaign(self, campaign: str) -> str:
        return await self.ended(f"c/{campaign}")


Kept = dict[str, str]
"""Ids of runs by the names under which their histories are kept."""


async def new_member_bonus(p: Played) -> Kept:
    told = p.told
    bonus = await told.launch("new_member_bonus")
    kept: Kept = {}
    await told.joins("ann")
    await told.joins("lee", invited_by="ann")
    await told.buys("lee")
    kept["invited_ordered"] = await p.journey("lee", bonus)
    await told.buys("ann")
    kept["ordered"] = await p.journey("ann", bonus)

    await told.joins("cai")
    await told.commands("cai", bonus, "cancel")
    kept["cancelled"] = await p.journey("cai", bonus)
    await told.joins("sun")
    await told.commands("sun", bonus, "skip")
    kept["wait_skipped"] = await p.journey("sun", bonus)

    await told.joins("kim")
    await told.pause(bonus)
    await told.buys("kim")
    await told.resume(bonus)
    kept["paused_resumed"] = await p.journey("kim", bonus)

    p.hurry.journeys = 2  # the card's last days, the card's end
    await told.joins("may")
    await _told_of(told, "may", ["welcome", "card_last_days", "card_expired"])
    await p.at(FIRST_DAY + 10 * DAY)
    await told.buys("may")
    kept["reminded_ordered"] = await p.journey("may", bonus)
    p.hurry.journeys = FOREVER
    await told.joins("tom")
    kept["no_order"] = await p.journey("tom", bonus)
    p.hurry.journeys = 0

    await told.joins("zoe")
    await told.stop(bonus)
    kept["stopped"] = await p.journey("zoe", bonus)
    kept["campaign"] = await p.campaign(bonus)
    return kept


async def monthly_task_pack(p: Played) -> Kept:
    told = p.told
    for name in ("lee", "kim", "may"):
        await told.joins(name)
    await p.at(FEBRUARY - timedelta(seconds=1))
    p.hurry.campaigns = 1
    pack = await told.launch("monthly_task_pack")
    await _once(lambda: told.store.read(lambda tx: bool(tx.enrolments.live(pack, "", 1))))
    await p.at(FEBRUARY + timedelta(hours=1))  # admission is paced, so starts come a little later
    for name in ("lee", "kim", "may"):
        await _told_of(told, name, ["pack_open"])
    await p.at(FEBRUARY + DAY)
    await told.does("lee", "review", photo="yes")
    for day in range(2, 7):
        await p.at(FEBRUARY + day * DAY)
        await told.does("lee", "check_in")
        await told.buys("lee", "80.00")
    # The last act of all wakes Lee once more; from there on waits are short.
    p.hurry.journeys = FOREVER
    kept: Kept = {}
    await p.at(FEBRUARY + 8 * DAY)
    await told.buys("kim", "80.00")
    await told.commands("lee", pack, "retry")
    kept["all_done"] = await p.journey("lee", pack)
    await told.commands("kim", pack, "retry")
    kept["month_over"] = await p.journey("kim", pack)
    await told.stop(pack)
    kept["stopped"] = await p.journey("may", pack)
    kept["campaign"] = await p.campaign(pack)
    return kept


async def dormant_wake_up(p: Played) -> Kept:
    told = p.told
    names = ("lee", "kim", "may", "zoe", "ada")
    for name in names:
        await told.joins(name)
        await told.buys(name)
    await p.at(FIRST_DAY + 91 * DAY)
    wake_up = await told.launch("dormant_wake_up")
    await _once(lambda: told.store.read(lambda tx: bool(tx.enrolments.live(wake_up, "", 1))))
    await p.at(FIRST_DAY + 91 * DAY + timedelta(hours=1))
    for name in names:
        await _told_of(told, name, ["we_miss_you"])
    kept: Kept = {}
    await p.at(FIRST_DAY + 91 * DAY + timedelta(hours=2))
    await told.buys("lee")
    kept["woken"] = await p.journey("lee", wake_up)
    p.hurry.journeys = 1
    await told.commands("kim", wake_up, "retry")
    await _told_of(told, "kim", ["we_miss_you", "double_points"])
    # The campaign sleeps until tomorrow at its full length; the pause and the days pass together.
    await told.pause(wake_up)
    await p.at(FIRST_DAY + 100 * DAY)
    await told.buys("kim")
    await told.resume(wake_up)
    kept["woken_by_the_second"] = await p.journey("kim", wake_up)
    p.hurry.journeys = FOREVER
    await told.commands("may", wake_up, "retry")
    kept["gave_up"] = await p.journey("may", wake_up)
    await told.buys("ada", at=FIRST_DAY + 90 * DAY)  # uploaded only now
    kept["not_dormant"] = await p.journey("ada", wake_up)
    await told.stop(wake_up)
    kept["stopped"] = await p.journey("zoe", wake_up)
    kept["campaign"] = await p.campaign(wake_up)
    return kept


async def limited_time_exchange(p: Played) -> Kept:
    told = p.told
    for name in ("lee", "kim", "may"):
        await told.joins(name)
        await told.has(name, 2000)
    opens, closes = FIRST_DAY + 4 * DAY, FIRST_DAY + 6 * DAY
    window = {"opens_at": opens.isoformat(), "closes_at": closes.isoformat()}
    p.hurry.campaigns = 2  # the announcement, the opening
    cups = await told.launch("limited_time_exchange", values=window)
    await _once(lambda: told.store.read(lambda tx: _is_open(tx, cups)))
    await p.at(opens + DAY)
    kept: Kept = {}
    taken = await told.claims("lee", cups)
    await told.confirms(taken)
    kept["order_confirmed"] = await p.order(taken)
    given_back = await told.claims("kim", cups)
    await told.releases(given_back)
    kept["order_released"] = await p.order(given_back)
    p.hurry.orders = 1
    kept["order_expired"] = await p.order(await told.claims("may", cups))
    p.hurry.campaigns = FOREVER
    await told.pause(cups)
    await told.resume(cups)
    kept["campaign"] = await p.campaign(cups)
    return kept


STORIES: dict[str, Callable[[Played], Awaitable[Kept]]] = {
    story.__name__: story
    for story in (new_member_bonus, monthly_task_pack, dormant_wake_up, limited_time_exchange)
}


async def play(template: str, client: Client, folder: Path) -> Kept:
    """Play a template's endings on a server; returns the runs to keep."""
    url = f"sqlite:///{folder / 'programme.sqlite3'}"
    upgrade(url)
    database = Database(url, synchronous="OFF")
    hurry = Hurry()
    try:
        async with telling(database, client, folder, offer=hurry.activities) as told:
            return await STORIES[template](Played(told, hurry))
    finally:
        database.dispose()


async def _told_of(told: Told, name: str, messages: list[str]) -> None:
    """Wait until a member was told exactly this."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await told.messages(name) != messages:  # noqa: ASYNC110 - a database has no bell
            await asyncio.sleep(0.05)


def _is_open(tx: Transaction, offer_id: str) -> bool:
    offer = tx.offers.get(offer_id)
    return offer is not None and offer.state == "open"


async def _once(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await asyncio.to_thread(happened):  # noqa: ASYNC110 - a database has no bell
            await asyncio.sleep(0.05)
