"""Callers of the ledger: a closed loop of many, and an open loop that waits for nobody.

Callers are callbacks on the futures they were given, so that two hundred of them cost no threads.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random

from benchmarks.ledger_door import Door, Wish
from benchmarks.ledger_rows import member_id
from loyalty.errors import KeyReused
from loyalty.ledger import NotEnoughPoints, Posted

EARNED, REPLAYED, REUSED, TOO_LITTLE = 0.60, 0.005, 0.001, 0.005
TOO_MANY_POINTS = 10**12
DRAIN_SECONDS = 20
_runs = count(1)


class Mix:
    """What callers ask for: mostly new postings, some again, some that must be refused."""

    def __init__(self, members: int, seed: int) -> None:
        self._members = members
        self._random = Random(seed)
        self._prefix = f"bench:{next(_runs)}:"
        self._numbers = count(1)
        self._posted: deque[Wish] = deque(maxlen=1000)

    def next(self) -> tuple[Wish, str]:
        """A wish and the answer it must get: `posted`, `replayed`, `key_reused`, `refused`."""
        draw = self._random.random()
        if draw < REPLAYED + REUSED and self._posted:
            known = self._posted[0]
            if draw < REPLAYED:
                return known, "replayed"
            return Wish(known.key, known.member_id, known.points * 2), "key_reused"
        key = f"{self._prefix}{next(self._numbers):024}"
        member = member_id(self._random.randint(1, self._members))
        if draw > 1 - TOO_LITTLE:
            return Wish(key, member, -TOO_MANY_POINTS), "refused"
        points = self._random.randint(1, 100)
        earned = self._random.random() < EARNED
        return Wish(key, member, points if earned else -points), "posted"

    def answered(self, wish: Wish) -> None:
        self._posted.append(wish)


@dataclass(slots=True)
class Load:
    """What happened to everything that was asked; raises on an answer that must not be."""

    door: Door
    mix: Mix
    latencies: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    not_taken: list[str] = field(default_factory=list)
    unanswered: int = 0
    _done: threading.Event = field(default_factory=threading.Event)
    _under_way: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def closed(self, callers: int, seconds: float) -> float:
        """Each caller asks again once answered; returns the seconds until the last answer."""
        began = time.perf_counter()
        until = began + seconds
        self._under_way = callers

        def again() -> None:
            now = time.perf_counter()
            if now >= until:
                with self._guard:
                    self._under_way -= 1
                    if self._under_way == 0:
                        self._done.set()
                return
            self._ask(now, again)

        for _ in range(callers):
            again()
        if not self._done.wait(seconds + DRAIN_SECONDS):
            raise SystemExit("the ledger stopped answering")
        self._must_be_right()
        if self.not_taken:
            raise SystemExit(f"{len(self.not_taken)} wishes were not taken: {self.not_taken[0]}")
        return time.perf_counter() - began

    def open(self, per_s: float, seconds: float) -> None:
        """Ask at a steady rate, whatever the answers do; latency counts from when it was due."""
        asked, due, began = 0, round(per_s * seconds), time.perf_counter()
        self._under_way = due

        def one_less() -> None:
            with self._guard:
                self._under_way -= 1
                if self._under_way == 0:
                    self._done.set()

        while asked < due:
            to_ask = min(due, int((time.perf_counter() - began) * per_s) + 1)
            for number in range(asked, to_ask):
                self._ask(began + number / per_s, one_less)
            asked = to_ask
            time.sleep(0.001)
        self._done.wait(DRAIN_SECONDS)
        self.unanswered = self._under_way
        # Whoever has no answer by now has waited at least this long.
        self.latencies += [time.perf_counter() - began] * self.unanswered
        self._must_be_right()

    def _ask(self, since: float, then: Callable[[], None]) -> None:
        with self._guard:
            wish, expected = self.mix.next()

        def answered(future: "Future[Posted]") -> None:
            try:
                answer = _answer(future)
            except CancelledError:
                return
            self.latencies.append(time.perf_counter() - since)
            self.answers[answer] += 1
            if answer == "posted":
                self.mix.answered(wish)
            if answer != expected and len(self.wrong) < 5:
                self.wrong.append(f"{answer} instead of {expected} for {wish}")
            then()

        try:
            future = self.door(wish)
        except Exception as full:
            # Not taken is never good news: it counts as long as anybody would have waited.
            self.latencies.append(DRAIN_SECONDS)
            self.not_taken.append(type(full).__name__)
            then()
        else:
            future.add_done_callback(answered)

    def _must_be_right(self) -> None:
        if self.wrong:
            raise SystemExit("wrong answers: " + "; ".join(self.wrong))


def _answer(future: "Future[Posted]") -> str:
    try:
        return "replayed" if future.result().replayed else "posted"
    except NotEnoughPoints:
        return "refused"
    except KeyReused:
        return "key_reused"
    except CancelledError:
        raise
    except Exception as error:  # said by whoever waits for the run, not lost in a thread
        return f"{type(error).__name__}: {error}"


@contextmanager
def own_cpu() -> Iterator[Callable[[], float]]:
    """CPU seconds of this process, the callers included, since the block began."""
    began = time.process_time()
    yield lambda: time.process_time() - began
