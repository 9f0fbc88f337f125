"""What caps still allow, while a receipt's rules take from them in their order (rule 22)."""

from collections.abc import Sequence
from dataclasses import replace

from loyalty.earning.breakdown import Reason, Room

CAP_REACHED = "cap_reached"
Counter = tuple[str, str]
"""A counter's name and the period it counts for."""


def wishes(reason: Reason) -> bool:
    """Whether it applies, or would if its caps had any room: what it wished is kept."""
    return reason.applied or (reason.fits and reason.reason == CAP_REACHED)


class Rooms:
    """The room in every cap that a receipt's rules meet, and who took of it."""

    def __init__(self, caps: Sequence[Room], reasons: Sequence[Reason]) -> None:
        self._whole = [(cap.counter, cap.period) for cap in caps]
        every = [*caps, *(cap for reason in reasons if reason.fits for cap in reason.caps)]
        self._room: dict[Counter, int] = {(c.counter, c.period): max(0, c.room) for c in every}
        self._taken: dict[Counter, tuple[int, int]] = dict.fromkeys(self._room, (0, 0))
        self._by_rule: dict[tuple[str, str | None], tuple[int, int]] = {}

    def grant(self, wished: int, reason: Reason | None) -> int:
        """Grant up to the tightest cap, and keep the wished amount too (rule 22).

        What the rule's own caps cut off never comes to those on everything.
        """
        mine = [(cap.counter, cap.period) for cap in reason.caps] if reason else []
        own = min([wished, *(self._room[counter] for counter in mine)])
        granted = min([own, *(self._room[counter] for counter in self._whole)])
        for counters, wish in ((mine, wished), (self._whole, own)):
            for counter in counters:
                self._room[counter] -= granted
                before, had = self._taken[counter]
                self._taken[counter] = (before + wish, had + granted)
        if reason is not None:
            self._by_rule[(reason.rule, reason.ref)] = (wished, granted)
        return granted

    def counted(self) -> dict[Counter, tuple[int, int]]:
        return {counter: both for counter, both in self._taken.items() if both[0]}

    def told(self, reasons: Sequence[Reason]) -> list[Reason]:
        """The rules with what they wished and got."""
        return [self._with_figures(reason) for reason in reasons]

    def _with_figures(self, reason: Reason) -> Reason:
        both = self._by_rule.get((reason.rule, reason.ref)) if wishes(reason) else None
        if both is None:
            return reason
        wished, granted = both
        why = CAP_REACHED if granted < wished else reason.reason
        return replace(reason, wished=wished, granted=granted, reason=why)
