"""A front desk with the job beside it that tells members what lapses, and lets it lapse."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bootstrap.expiry_care import Expiries
from bootstrap.overdue_holds import OverdueHolds
from bootstrap.walk import Faults
from loyalty.coming_expiry import balance_of
from loyalty.expiry_policy import Expiry
from loyalty.merging import Merger, merge
from loyalty.programme import Programme
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 10, 9, tzinfo=SHANGHAI)


class Told(FrontDesk):
    """Time passes, the job makes its rounds, and members read what they are told."""

    def round(self, page: int = 200) -> tuple[int, int, int]:
        """(members whose points lapsed, who were told, whose points live on)"""
        faults, now = Faults(), self.clock.now()
        OverdueHolds(self.store, faults, page)(now)
        report = Expiries(self.store, faults, page)(now)
        assert not faults.count
        return report

    def to(self, at: datetime) -> None:
        self.clock.instant = at

    def spends(self, member_id: str, points: int) -> None:
        key = f"spent/{next(self.numbers)}"
        self.store.run(lambda tx: tx.ledger.burn(key, member_id, points))

    def hands(self, member_id: str, to: str, points: int) -> None:
        key = f"gift/{next(self.numbers)}"
        self.store.run(lambda tx: tx.ledger.transfer(key, member_id, to, points, kind="gift"))

    def merges(self, gone: str, into: str) -> None:
        merger = Merger(id=f"{gone}-{into}", reason="same person")
        self.store.run(lambda tx: merge(tx, gone, into, merger, "ola"))

    def shown(self, member_id: str) -> list[tuple[datetime, int]]:
        """Every coming expiry, as the member is told."""
        member = self.member(member_id)
        return self.store.read(lambda tx: balance_of(tx, member)).next_expiry

    def letters(self, member_id: str) -> list[Any]:
        m = tables.messages
        return self._rows(select(m).where(m.c.member_id == member_id).order_by(m.c.key))

    def notices(self) -> list[Any]:
        return self._rows(select(tables.expiry_notices))

    def told(self) -> list[dict[str, str]]:
        i = tables.inbox
        rows = self._rows(select(i.c.body).where(i.c.type == "points.expiring").order_by(i.c.seq))
        return [row.body["attributes"] for row in rows]


def desk_of(database: Database, **expiry: Any) -> Told:
    """One member, in a programme whose points lapse a month after they were earned."""
    clock = StillClock(START)
    plain = {"minimum_life_days": 0, "months": 1}
    programme = Programme(expiry=Expiry.model_validate({**plain, **expiry}))
    desk = Told(SqlStore(database, clock, programme), clock)
    desk.joins("lee")
    return desk
