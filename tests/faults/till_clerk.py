"""A row of tills that hold, confirm and release points, and tell what they were told.

python -m tests.faults.till_clerk <database url> <name> <file to tell it in>

Two of these ask for the very same holds, each in its own order, and each by its own mood spends
them or gives them back.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from loyalty.errors import LoyaltyError
from loyalty.events import Line
from loyalty.ports import Transaction, Wants
from loyalty.programme import Programme
from loyalty.till.flow import confirm, hold_wants, place, place_wants, release
from loyalty.till.requests import HoldConfirm, HoldRelease, HoldRequest
from storage.database import Database
from storage.store import SqlStore
from tests.storage.rows import StillClock

MEMBERS = ("kim", "lee")
POINTS = 5_000
"""What each has before the tills open: too few for all holds at once."""
HOLDS = 240
TILLS = 16


def request(number: int) -> HoldRequest:
    """The hold of this number, the same whoever asks for it."""
    return HoldRequest(
        source="till",
        id=f"h{number}",
        member_id=MEMBERS[number % len(MEMBERS)],
        points=100 * (1 + number % 7),
        currency="CNY",
        lines=(Line(sku="s", category="grocery", net_minor=20_000),),
    )


class Clerk:
    def __init__(self, store: SqlStore, name: str) -> None:
        self.store = store
        self.random = Random(name)

    def sale(self, number: int) -> list[tuple[str, str]]:
        """One hold from scan to end, each request sent twice as a nervous till would."""
        body, spends = request(number), self.random.random() < 0.5
        told = self._twice("place", lambda tx: place(tx, body), lambda tx: place_wants(tx, body))
        paid = HoldConfirm(purchase_id=f"r{number}")

        def settle(tx: Transaction) -> dict[str, Any]:
            if spends:
                return confirm(tx, body.hold_id, paid)
            return release(tx, body.hold_id, HoldRelease())

        name = "confirm" if spends else "release"
        return told + self._twice(name, settle, lambda tx: hold_wants(tx, body.hold_id))

    def _twice(
        self,
        name: str,
        work: Callable[[Transaction], Any],
        asked: Callable[[Transaction], Wants],
    ) -> list[tuple[str, str]]:
        wants = self.store.read(asked)
        answers = [self.store.submit(work, wants) for _ in range(2)]
        told = []
        for answer in answers:
            try:
                told.append((name, str(answer.result(60)["status"])))
            except LoyaltyError as refusal:
                told.append((name, refusal.code))
        return told


def main(url: str, name: str, file: str) -> None:
    store = SqlStore(Database(url), StillClock(), Programme())
    store.group()
    clerk = Clerk(store, name)
    numbers = list(range(HOLDS))
    # Nearly the same order, so that the two meet at most holds.
    numbers.sort(key=lambda number: number + 12 * clerk.random.random())
    with ThreadPoolExecutor(TILLS) as tills:
        told = dict(zip(numbers, tills.map(clerk.sale, numbers), strict=True))
    store.close()
    Path(file).write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
