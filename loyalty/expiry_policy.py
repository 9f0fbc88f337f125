"""When points lapse: the programme's policy, and the instants that follow from it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loyalty.timing import Length, shift, start_of_day, start_of_month

Policy = Literal[
    "rolling", "end_of_month", "end_of_quarter", "end_of_year", "inactivity", "none"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """What a member was told of one expiry: when, and how many points may lapse for it.

    `points` have that date, `undated` have none and lapse by the policy. What lapsed is taken off
    again. A further notice of the same expiry takes the place of the first; `times` counts them.
    """

    expires_at: datetime
    noticed_at: datetime
    points: int
    undated: int = 0
    times: int = 1
    event_seq: int | None = None


class Expiry(BaseModel):
    """When earned points lapse, and when they can first be spent: days end at local midnight.

    A change of the policy is for points that are earned after it: what was given keeps its date.
    Source: rules 1, 6, 8, 12, 13.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Policy = "end_of_month"
    months: int | None = Field(
        12, ge=1, le=1200, description="after earning, or after the last purchase; none = never"
    )
    days: int = Field(0, ge=0, le=36_500, description="rolling: so many days, after the months")
    periods: int = Field(1, ge=0, le=400, description="whole quarters or years after earning")
    minimum_life_days: int = Field(
        30, ge=0, le=36_500, description="for late uploads, and for whoever was inactive, rule 13"
    )
    return_window_days: int = Field(
        0, ge=0, le=400, description="points wait until the goods can no longer come back; 0 = off"
    )
    notice_days: int = Field(
        0, ge=0, le=365, description="points lapse only so long after their notice; 0 = no notice"
    )
    # Rule 8: undated points from before live a full period from here on.
    since: date | None = Field(
        None,
        ge=date(2000, 1, 1),
        lt=date(2100, 1, 1),
        description="the day expiry was switched on for live members",
    )

    @model_validator(mode="after")
    def _says_how_long(self) -> Self:
        if self.policy == "inactivity" and self.months is None:
            raise ValueError("inactivity needs `months`")
        if self.policy == "rolling" and self.months is None and not self.days:
            raise ValueError("rolling needs `months` or `days`")
        return self

    def of(self, earned_at: datetime, recorded_at: datetime, zone: ZoneInfo) -> datetime | None:
        """When points earned then lapse (exclusive), or none for no date.

        Counted from when they were earned; an upload that came late still leaves them a minimum
        life from when it was recorded. Source: rules 6, 12, 13.
        """
        lapse = self._period_after(earned_at, zone)
        if lapse is None:
            return None
        return max(lapse, recorded_at + timedelta(days=self.minimum_life_days))

    def available_at(self, bought_at: datetime, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When a purchase's points can be spent: after the last day of its return window (rule 1).

        None = at once: no window, or a late upload whose window is over.
        """
        if not self.return_window_days:
            return None
        opens = start_of_day(bought_at, zone, days=self.return_window_days + 1)
        return opens if opens > now else None

    def of_purchase(
        self, bought_at: datetime, recorded_at: datetime, zone: ZoneInfo
    ) -> tuple[datetime | None, datetime | None]:
        """When a purchase's points can be spent, none for at once, and when they lapse, none for
        never: the minimum life begins when they can be spent. Quotes and postings both ask this.
        """
        opens = self.available_at(bought_at, recorded_at, zone)
        return opens, self.of(bought_at, opens or recorded_at, zone)

    def told_by(self, now: datetime) -> datetime:
        """Expiries that members are told of by now.

        A day more than the notice takes: whoever looks for points without a date does so once a
        day, and a notice that is a minute late leaves them a day more.
        """
        return now + timedelta(days=self.notice_days + 1) if self.notice_days else now

    @property
    def counts_undated(self) -> bool:
        """Whether points without a date may lapse as well."""
        return self.policy == "inactivity" or (self.policy != "none" and self.since is not None)

    def undated(
        self, last_act: datetime, zone: ZoneInfo, last_given: datetime | None = None
    ) -> datetime | None:
        """When undated points of a member who last acted then lapse, or none for never.

        By inactivity those that were `last_given` live to the end of the last day of their minimum
        life, and the others with them.
        """
        since = (
            start_of_day(datetime.combine(self.since, time(12), zone), zone) if self.since else None
        )
        if self.policy == "inactivity":
            act = max(last_act, since) if since else last_act
            ends = self._day_after(act, zone)
            if last_given is None:
                return ends
            life = timedelta(days=self.minimum_life_days)
            return max(ends, start_of_day(last_given + life, zone, days=1))
        return self._period_after(since, zone) if since else None

    def _day_after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Midnight that ends the last day, months (clamped) and days later."""
        last = shift(at, Length(months=self.months or 0, days=self.days), zone)
        return start_of_day(last, zone, days=1)

    def _period_after(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        month = at.astimezone(zone).month
        match self.policy:
            case "rolling":
                return self._day_after(at, zone)
            case "end_of_month":
                return start_of_month(at, zone, self.months + 1) if self.months else None
            case "end_of_quarter":
                return start_of_month(at, zone, 3 * (self.periods + 1) - (month - 1) % 3)
            case "end_of_year":
                return start_of_month(at, zone, 12 * (self.periods + 1) - (month - 1))
            case _:
                return None
