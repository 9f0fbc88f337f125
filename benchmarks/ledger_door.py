"""How postings get into the ledger: the one place that knows which door of Milepost is open.

With `storage.poster` it is the group-commit writer, as the API uses it. Before it is there, each
posting is a transaction of its own through `SqlStore.run`, from a pool of threads.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from loyalty.ledger import Posted
from loyalty.ports import Transaction
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
    if find_spec("storage.poster"):
        poster: Any = import_module("storage.poster")
        with _grouped(poster, store) as submit:
            yield submit
    else:
        with _one_by_one(store) as submit:
            yield submit


@contextmanager
def _grouped(poster: Any, store: SqlStore) -> Iterator[Door]:
    writer = poster.Poster(store)
    try:
        # What a posting will want to lock and read may be told before; nothing is told here.
        yield lambda wish: writer.submit(wish.work, None)
    finally:
        writer.close()


@contextmanager
def _one_by_one(store: SqlStore) -> Iterator[Door]:
    pool = ThreadPoolExecutor(THREADS)
    try:
        yield lambda wish: pool.submit(store.run, wish.work)
    finally:
        pool.shutdown(cancel_futures=True)
