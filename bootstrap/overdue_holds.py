"""Points of a hold that nobody settled in time are set free: part of the regular care, paged.

A till that broke down does nothing, and its member may not come back for months: nobody else would
post anything for them. Each member is a transaction of its own; it may be stopped at any time.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from bootstrap.walk import WALK_SECONDS, Faults, Walk
from loyalty.held_points import free_overdue
from loyalty.ports import Wants
from storage.queries.upkeep import overdue_holders
from storage.store import SqlStore

PAGE = 200


class OverdueHolds:
    """Frees them, member by member, through the ledger's own path."""

    def __init__(
        self, store: SqlStore, faults: Faults, page: int = PAGE, seconds: float = WALK_SECONDS
    ) -> None:
        self._store = store
        self._page = page
        self._through = Walk(faults, seconds)

    def __call__(self, before: datetime) -> int:
        """How many holds were open whose deadline was `before` then or earlier."""
        return sum(self._through(lambda after: self._due(before, after), self._free))

    def _free(self, member_id: str) -> int:
        work = partial(free_overdue, member_id=member_id)
        return self._store.run(work, wants=Wants((member_id,)))

    def _due(self, before: datetime, after: str) -> Sequence[str]:
        with self._store.database.read() as connection:
            return overdue_holders(connection, before, after, self._page)
