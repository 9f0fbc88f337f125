"""The nightly review of tiers, as part of the regular care: paged, a transaction for each member.

What was not reached in one round is still due in the next, so that it may be stopped at any time.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial

from loyalty.tiers.reviewing import review
from loyalty.tiers.settings import Tiers
from storage.queries.tiers import due_reviews, never_reviewed
from storage.store import SqlStore

PAGE = 200
PAGES_MAX = 500
"""Pages a round: a million members are spread over several rounds, not one long one."""


class TierReviews:
    """Reviews whoever is due; once a day also those whom no review knows yet."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._searched: date | None = None

    def __call__(self, now: datetime) -> int:
        """How many members' tiers were changed, or whom of them a warning was given."""
        changed = self._through(lambda after: self._due(now, after))
        programme = self._store.read(lambda tx: tx.programme)
        today = now.astimezone(programme.tz).date()
        if self._searched != today:
            changed += self._through(lambda after: self._unknown(programme.tiers, after))
            self._searched = today
        return changed

    def _through(self, page_after: Callable[[str], Sequence[str]]) -> int:
        after, changed = "", 0
        for _ in range(PAGES_MAX):
            page = page_after(after)
            for member_id in page:
                changed += self._store.run(partial(review, member_id=member_id))
            if len(page) < PAGE:
                break
            after = page[-1]
        return changed

    def _due(self, now: datetime, after: str) -> Sequence[str]:
        with self._store.database.read() as connection:
            return due_reviews(connection, now, after, PAGE)

    def _unknown(self, tiers: Tiers, after: str) -> Sequence[str]:
        with self._store.database.read() as connection:
            return never_reviewed(connection, tiers, after, PAGE)
