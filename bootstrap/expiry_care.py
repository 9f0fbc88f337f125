"""Points lapse, and members are told before: part of the regular care, paged, one by one.

What was not reached in one round is still due in the next, so that it may be stopped at any time,
and run twice or by two at once.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from bootstrap.walk import WALK_SECONDS, Faults, Walk
from loyalty.expiry import Looked, look
from loyalty.ports import Wants
from loyalty.timing import Length, shift, start_of_day
from storage.expiry_notices import lapsing_members, undated_members
from storage.store import SqlStore

PAGE = 200


class Expiries:
    """Notices and lapses of whoever is due; undated points once a day, for they end at midnight."""

    def __init__(
        self, store: SqlStore, faults: Faults, page: int = PAGE, seconds: float = WALK_SECONDS
    ) -> None:
        self._store = store
        self._page = page
        self._through_dated = Walk(faults, seconds)
        self._through_undated = Walk(faults, seconds)
        self._searched: date | None = None

    def __call__(self, now: datetime) -> tuple[int, int, int]:
        """How many members' points lapsed, how many were told, whose points live on for it."""
        programme = self._store.read(lambda tx: tx.programme)
        expiry, zone = programme.expiry, programme.tz
        until = expiry.told_by(now)
        look_at = partial(self._look, now)
        looked = self._through_dated(lambda after: self._dated(now, until, after), look_at)
        today = now.astimezone(zone).date()
        if expiry.counts_undated and self._searched != today:
            acted_before = until
            if expiry.policy == "inactivity":
                # Widely: months clamp, and days end at midnight. `look` judges each by the day.
                back = Length(months=expiry.months or 0, days=expiry.days)
                acted_before = shift(start_of_day(until, zone, days=4), back, zone, sign=-1)
            looked += self._through_undated(
                lambda after: self._undated(acted_before, after), look_at
            )
            if self._through_undated.over:
                self._searched = today
        return (
            sum(each.lapsed > 0 for each in looked),
            sum(each.noticed > 0 for each in looked),
            sum(each.prolonged > 0 for each in looked),
        )

    def _look(self, now: datetime, member_id: str) -> Looked:
        work = partial(look, member_id=member_id)
        return self._store.run(work, now=now, wants=Wants((member_id,)))

    def _dated(self, now: datetime, until: datetime, after: str) -> Sequence[str]:
        with self._store.database.read() as connection:
            return lapsing_members(connection, now, until, after, self._page)

    def _undated(self, acted_before: datetime, after: str) -> Sequence[str]:
        with self._store.database.read() as connection:
            return undated_members(connection, acted_before, after, self._page)
