"""A till that posts through a writer of its own, and tells at its end what it was told.

python -m tests.faults.ledger_clerk <database url> <name> <seconds> <file to tell it in>
"""

import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from random import Random

from sqlalchemy.exc import DBAPIError

from loyalty.errors import LoyaltyError
from loyalty.ledger import Posted
from loyalty.ports import Transaction, Wants
from loyalty.programme import Programme
from storage.database import Database
from storage.poster import Poster
from storage.store import SqlStore
from tests.storage.rows import NOON, StillClock

MEMBERS = [f"m{n}" for n in range(6)]
IN_LINE = 40
ATTEMPTS = 20
"""How often a till sends a key again that it got no answer for."""
LATER = NOON + timedelta(days=90)
Work = Callable[[Transaction], Posted]


class Clerk:
    def __init__(self, poster: Poster, name: str) -> None:
        self.poster = poster
        self.name = name
        self.random = Random(name)
        self.number = 0
        self.holds: list[str] = []
        self.posted: list[str] = []
        self.refused: list[tuple[str, str, str]] = []
        self.failed: list[tuple[str, str]] = []
        self.again: Counter[str] = Counter()

    def work(self, seconds: float) -> None:
        """Keep the line full until the time is over, then wait for the last answers."""
        line: deque[tuple[str, str, Work, Wants, Future[Posted]]] = deque()
        end = time.monotonic() + seconds
        while line or time.monotonic() < end:
            while len(line) < IN_LINE and time.monotonic() < end:
                kind, key, work, wants = self.think()
                line.append((kind, key, work, wants, self.poster.submit(work, wants)))
            self.hear(*line.popleft())

    def think(self) -> tuple[str, str, Work, Wants]:
        """A request on one of the members that everybody works on; each hands to the next."""
        self.number += 1
        key, at = f"{self.name}:{self.number}", self.random.randrange(len(MEMBERS))
        member, other = MEMBERS[at], MEMBERS[(at + self.random.choice([1, -1])) % len(MEMBERS)]
        points = self.random.randint(1, 20)
        works: dict[str, Work] = {
            "earn": lambda tx: tx.ledger.earn(key, member, points, expires_at=LATER),
            "burn": lambda tx: tx.ledger.burn(key, member, points),
            "transfer": lambda tx: tx.ledger.transfer(key, member, other, points),
            "hold": lambda tx: tx.ledger.hold(key, member, points, expires_at=LATER),
        }
        if self.holds:
            hold = self.holds.pop(self.random.randrange(len(self.holds)))
            works = {
                "confirm": lambda tx: tx.ledger.confirm(hold, key),
                "release": lambda tx: tx.ledger.release(hold, key),
            }
        kind = self.random.choice(sorted(works))
        told = self.random.random() < 0.7  # the rest is locked as it comes, in any order
        return kind, key, works[kind], Wants(members=(member,)) if told else Wants()

    def hear(self, kind: str, key: str, work: Work, wants: Wants, answer: Future[Posted]) -> None:
        for _ in range(ATTEMPTS):
            try:
                posted = answer.result(60)
            except LoyaltyError as refusal:
                self.refused.append((kind, key, refusal.code))
            except DBAPIError:
                self.again[kind] += 1
                answer = self.poster.submit(work, wants)
                continue
            else:
                self.posted.append(posted.key)
                if kind == "hold":
                    self.holds.append(key)
            return
        self.failed.append((kind, key))


def main(url: str, name: str, seconds: str, file: str) -> None:
    database = Database(url)
    poster = SqlStore(database, StillClock(), Programme()).group()
    clerk = Clerk(poster, name)
    clerk.work(float(seconds))
    poster.close()
    told = {name: getattr(clerk, name) for name in ("posted", "refused", "failed", "again")}
    Path(file).write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
