"""The nightly review of tiers, as part of the regular care: paged, a transaction for each member.

What was not reached in one round is still due in the next, so that it may be stopped at any time.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from bootstrap.walk import WALK_SECONDS, Faults, Walk
from loyalty.tiers.reviewing import review
from loyalty.tiers.settings import Tiers
from storage.queries.tiers import due_reviews, never_reviewed
from storage.store import SqlStore

PAGE = 200


class TierReviews:
    """Reviews whoever is due; once a day also those whom no review knows yet."""

    def __init__(
        self, store: SqlStore, faults: Faults, page: int = PAGE, seconds: float = WALK_SECONDS
    ) -> None:
        self._store = store
        self._page = page
        self._through_due = Walk(faults, seconds)
        self._through_unknown = Walk(faults, seconds)
        self._searched: date | None = None

    def __call__(self, now: datetime) -> int:
        """How many members' tiers were changed, or whom of them a warning was given."""
        changed = sum(self._through_due(lambda after: self._due(now, after), self._review))
        programme = self._store.read(lambda tx: tx.programme)
        today = now.astimezone(programme.tz).date()
        if self._searched != today:
            changed += sum(
                self._through_unknown(
                    lambda after: self._unknown(programme.tiers, after), self._review
                )
            )
            if self._through_unknown.over:
                self._searched = today
        return changed

    def _review(self, member_id: str) -> bool:
        return self._store.run(partial(review, member_id=member_id))

    def _due(self, now: datetime, after: str) -> Sequence[str]:
        with self._store.database.read() as connection:
            return due_reviews(connection, now, after, self._page)

    def _unknown(self, tiers: Tiers, after: str) -> Sequence[str]:
        with self._store.database.read() as connection:
            return never_reviewed(connection, tiers, after, self._page)
