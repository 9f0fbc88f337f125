"""A front desk with a ladder of tiers, and the nightly review of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bootstrap.tier_review import TierReviews
from bootstrap.walk import Faults
from loyalty.programme import Programme
from loyalty.tiers.by_hand import TierGiven, set_tier, standing_of
from loyalty.tiers.settings import Rung, Tiers
from loyalty.tiers.standing import Held, Standing
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
LADDER = (
    Rung(tier="ordinary", threshold=0),
    Rung(tier="silver", threshold=100_000, gift_points=10),
    Rung(tier="gold", threshold=500_000, gift_points=50),
)


def day(text: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(text).replace(hour=hour, tzinfo=SHANGHAI)


@dataclass
class TierDesk(FrontDesk):
    """A front desk with a ladder of 1,000 and 5,000 yuan, and a nightly review."""

    def spends(self, minor: int, id: str, **more: Any) -> dict[str, Any]:
        return self.buys("lee", id, ("grocery", minor), **more)

    def night(self) -> int:
        """The next midnight comes, and everybody who is due is looked at."""
        now = self.clock.now().astimezone(SHANGHAI)
        self.clock.instant = (now + timedelta(days=1)).replace(hour=0, minute=0)
        return self.review()

    def review(self) -> int:
        return TierReviews(self.store, Faults())(self.clock.now())

    def tier(self) -> str:
        return self.member("lee").tier

    def tier_on(self, instant: datetime) -> str:
        return self.store.read(lambda tx: tx.tiers.at("lee", instant))

    def history(self) -> list[Held]:
        return self.store.read(lambda tx: [*tx.tiers.history("lee")])

    def standing(self) -> Standing:
        return self.store.read(lambda tx: standing_of(tx, self.member("lee")))

    def gives(self, **given: Any) -> Standing:
        tier = TierGiven(**given)
        return self.store.run(lambda tx: set_tier(tx, "lee", tier, "asked for it", "mia"))

    def told(self, type: str) -> list[Any]:
        """The events of a type that campaigns could begin with, as they were recorded."""
        rows = self._rows(select(tables.inbox).where(tables.inbox.c.type == type))
        return [row.body["attributes"] for row in rows]


Opened = Callable[..., TierDesk]


def opening(database: Database) -> Opened:
    """A programme with these rules of tiers, and lee in it."""

    def open_desk(on: Database = database, **changes: Any) -> TierDesk:
        clock = StillClock(day("2026-03-01"))
        programme = Programme(tiers=Tiers(**{"ladder": LADDER, **changes}))
        desk = TierDesk(SqlStore(on, clock, programme), clock)
        desk.joins("lee")
        return desk

    return open_desk
