"""How postings get into the ledger: the one place that knows which door of Milepost is open.

It is the group-commit writer, as the API uses it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from loyalty.ledger import Posted
from loyalty.ports import Transaction, Wants
from storage.store import SqlStore

THREADS = 16
# Few dates, as a programme that lapses points by the month has them: lots are buckets.
EXPIRIES = tuple(datetime(2035, month, 1, tzinfo=UTC) for month in range(1, 13))


@dataclass(frozen=True, slots=True)
class Wish:
    """One posting that a caller asks for; points below zero are spent."""

    key: str
    member_id: str
    points: int

    def work(self, tx: Transaction) -> Posted:
        if self.points < 0:
            return tx.ledger.burn(self.key, self.member_id, -self.points)
        expires_at = EXPIRIES[self.points % len(EXPIRIES)]
        return tx.ledger.earn(self.key, self.member_id, self.points, expires_at=expires_at)


Door = Callable[[Wish], "Future[Posted]"]


@contextmanager
def door(store: SqlStore) -> Iterator[Door]:
    """What callers put their wishes into; everything taken is answered when the block ends."""
    writer = store.group()
    try:
        yield lambda wish: writer.submit(
            wish.work, Wants(members=(wish.member_id,), keys=(wish.key,))
        )
    finally:
        writer.close()
        store._poster = None
