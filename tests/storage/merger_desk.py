"""A front desk where two cards turn out to be one person's, in a programme with a ladder."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bootstrap.tier_review import TierReviews
from bootstrap.walk import Faults
from loyalty.erasure import Erasure, erase
from loyalty.member_details import DetailsChange, change_details
from loyalty.merging import Merger, merge
from loyalty.programme import Gifting, Programme
from loyalty.registration import Consent
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.play import Simulation, simulate
from loyalty.tiers.by_hand import TierGiven, set_tier, standing_of
from loyalty.tiers.settings import Rung, Tiers
from loyalty.tiers.standing import Standing
from loyalty.wishes import consent
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock
from tests.storage.tier_desk import LADDER

DAY = timedelta(days=1)
BONUS = "new-member-bonus"


class MergerDesk(FrontDesk):
    """Members who merge, rise and leave."""

    def does_the_pack(self) -> int:
        """`new` joins, and buys twice in a month: the points of each of the two receipts."""
        self.joins("new")
        self.open_month()
        self.take_turns("new")
        earned = 0
        for number in (1, 2):
            self.clock.instant += DAY
            earned = self.buys("new", f"r{number}", ("grocery", 10_000))["points"]
        self.take_turns("new")
        return earned

    def merges(self, gone: str = "old", into: str = "lee", **more: Any) -> dict[str, Any]:
        merger = Merger(id=f"{gone}-{into}", reason="same person", **more)
        return self.store.run(lambda tx: merge(tx, gone, into, merger, "ola"))

    def erases(self, member_id: str) -> None:
        erasure = Erasure(id=member_id, reason="asked by the member")
        self.store.run(lambda tx: erase(tx, member_id, erasure, "ola"))

    def gives(self, member_id: str, **given: Any) -> None:
        self.store.run(lambda tx: set_tier(tx, member_id, TierGiven(**given), "sorry", "mia"))

    def changes(self, member_id: str, **details: Any) -> None:
        change = DetailsChange(**details)
        self.store.run(lambda tx: change_details(tx, member_id, change, "ola"))

    def says(self, member_id: str, granted: bool) -> None:
        said = Consent(channel="email", purpose="service", granted=granted)
        self.store.run(lambda tx: consent(tx, member_id, [said], "ola"))

    def nights(self, number: int) -> None:
        """Midnights come, and everybody who is due is looked at."""
        for _ in range(number):
            self.clock.instant += DAY
            TierReviews(self.store, Faults())(self.clock.now())

    def decided(self) -> list[Any]:
        return self._rows(select(tables.decisions))

    def said(self) -> list[tuple[Any, ...]]:
        c = tables.consents.c
        return [
            tuple(row) for row in self._rows(select(c.member_id, c.channel, c.purpose, c.granted))
        ]

    def standing(self, member_id: str = "lee") -> Standing:
        return self.store.read(lambda tx: standing_of(tx, self.member(member_id)))

    def reserved(self) -> int:
        return self.campaign(BONUS).reserved_points

    def opens(self) -> None:
        """The bonus for new members runs: 500 points, a double card, and a first order awaited."""
        self.launch("new_member_bonus")
        list(self.campaign_turns(BONUS))

    def foresees(self, campaign: str, member_id: str) -> Simulation:
        """The member's next weeks, as a preview shows them."""
        found, version, member = (
            self.campaign(campaign),
            self.version(campaign),
            self.member(member_id),
        )
        return self.store.read(lambda tx: simulate(tx, found, version, member, Assumption()))


def desk_of(database: Database, ladder: Sequence[Rung] = LADDER, **tiers: Any) -> MergerDesk:
    clock = StillClock()
    programme = Programme(
        tiers=Tiers(ladder=tuple(ladder), **tiers), gifting=Gifting(sent_monthly=100, wait_days=0)
    )
    return MergerDesk(SqlStore(database, clock, programme), clock)


def two_cards(database: Database) -> MergerDesk:
    """Two cards in a programme with a ladder of 1,000 and 5,000 yuan."""
    desk = desk_of(database)
    for name in ("lee", "old"):
        desk.joins(name, registered_at=NOON - 60 * DAY)
    return desk
