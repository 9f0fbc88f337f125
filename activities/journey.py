"""The act behind a member's journey's turns."""

from typing import Protocol

from temporalio import activity

from activities.contracts import TurnOutcome, TurnRequest
from activities.errors import told_to_temporal


class TakeTurn(Protocol):
    """Port: take the turn, or return what it left when it was taken before."""

    def __call__(self, request: TurnRequest, /) -> TurnOutcome: ...


class JourneyActivities:
    def __init__(self, take_turn: TakeTurn) -> None:
        self._take_turn = take_turn

    @activity.defn
    def apply_step(self, request: TurnRequest) -> TurnOutcome:
        """Take one turn of a member's journey: one transaction, once per turn number."""
        with told_to_temporal():
            return self._take_turn(request)
