"""Whose turn it is to decide: batches are decided one at a time and written in that order.

While one batch is written the next is decided, so the two must never wait for each other in a
circle, and nobody's later work may be judged before an earlier one. Source: decision 0019.
"""

import threading
from collections.abc import Hashable
from itertools import count


class Overtaken(BaseException):
    """The batch ahead has to begin again: what was decided behind it does not count.

    No error of a unit: none of them may be told of it.
    """

    def __init__(self, ahead: "Attempt") -> None:
        self.ahead = ahead


class Attempt:
    """A batch on its way: `number` is its place in the order of arrival, whatever happens.

    `ended`: it is committed or undone. `settled`: everybody in the batch has an answer.
    `looked_at`: members, events and the like that nobody else is to look at until then.
    """

    def __init__(
        self, number: int, settled: threading.Event, looked_at: frozenset[Hashable] = frozenset()
    ) -> None:
        self.number = number
        self.settled = settled
        self.looked_at = looked_at
        self.ended = threading.Event()
        self.failed = False


class Precedence:
    """Who may decide: one clerk at a time. Each attempt knows the one that began before it."""

    def __init__(self) -> None:
        self._deciding = threading.Lock()
        self._numbers = count(1)
        self._last = Attempt(0, threading.Event())
        self._last.ended.set()

    def begin(self) -> None:
        self._deciding.acquire()

    def number(self) -> int:
        """The next place in the order of arrival; only in one's turn."""
        return next(self._numbers)

    @property
    def nobody_ahead(self) -> bool:
        """Whether the batch before has ended, so that nothing is being written; in one's turn."""
        return self._last.ended.is_set()

    def wait_for(self, looked_at: frozenset[Hashable]) -> bool:
        """Let the one ahead end if it is at any of these; true if it was. Only in one's turn."""
        if self.nobody_ahead or self._last.looked_at.isdisjoint(looked_at):
            return False
        self._last.ended.wait()
        return True

    def follow(self, mine: Attempt) -> Attempt:
        """Who is ahead; only in one's turn."""
        ahead, self._last = self._last, mine
        return ahead

    def end(self) -> None:
        self._deciding.release()
