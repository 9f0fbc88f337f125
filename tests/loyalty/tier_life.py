"""A member's life on the ladder, told without a database: receipts, refunds, reviews."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.tiers.decisions import review_row, rise
from loyalty.tiers.settings import Period, Rung, Tiers
from loyalty.tiers.standing import Case, Held, Place

SHANGHAI = ZoneInfo("Asia/Shanghai")
JOINED = datetime(2026, 1, 10, 10, tzinfo=SHANGHAI)
LATENESS = timedelta(days=3)
LADDER = tuple(
    Rung(tier=tier, threshold=threshold, gift_points=gift)
    for tier, threshold, gift in (
        ("ordinary", 0, 0), ("silver", 100, 10), ("gold", 500, 50), ("diamond", 1000, 100),
    )
)  # fmt: skip


def rules(**changes: Any) -> Tiers:
    """A ladder of 100, 500 and 1000, counted over twelve rolling months."""
    period = changes.pop("period", Period())
    return Tiers(ladder=LADDER, period=period, **changes)


def day(text: str) -> datetime:
    """Ten in the morning of a day, in Shanghai."""
    return datetime.fromisoformat(f"{text}T10:00:00").replace(tzinfo=SHANGHAI)


@dataclass
class Life:
    tiers: Tiers
    place: Place = field(default_factory=lambda: Place(JOINED, "ordinary"))
    acts: list[tuple[datetime, int]] = field(default_factory=list)
    refunded_at: datetime | None = None

    def case(self, now: datetime) -> Case:
        def counted(since: datetime, before: datetime | None) -> int:
            return sum(n for at, n in self.acts if since <= at and (before is None or at < before))

        return Case(self.tiers, SHANGHAI, self.place, counted, now)

    def tier(self, at: datetime) -> str:
        return self.place.ladder_tier(at)

    def buys(self, at: datetime, amount: int, now: datetime | None = None) -> Held | None:
        """A receipt of a second before `at`, which came in at `now`."""
        self.acts.append((at - timedelta(seconds=1), amount))
        return self._with(rise(self.case(now or at)))

    def uploads(self, at: datetime, amount: int, now: datetime) -> Held | None:
        """A till sends a receipt of `at`, in time, which is judged as of then."""
        self.acts.append((at, amount))
        return self._with(rise(self.case(now), at))

    def returns(self, at: datetime, bought_at: datetime, amount: int) -> None:
        self.acts.append((bought_at, -amount))
        self.refunded_at = self.refunded_at or at

    def review(self, now: datetime) -> Held | None:
        row, self.refunded_at = review_row(self.case(now), LATENESS, self.refunded_at)
        return self._with(row)

    def _with(self, row: Held | None) -> Held | None:
        if row is not None:
            self.place = replace(self.place, history=(*self.place.history, row))
        return row
