"""The act behind an exchange order's turns."""

from typing import Protocol

from temporalio import activity

from activities.contracts import TurnOutcome, TurnRequest
from activities.errors import told_to_temporal


class SettleOrder(Protocol):
    """Port: take the turn, or return what it left when it was taken before."""

    def __call__(self, request: TurnRequest, /) -> TurnOutcome: ...


class ExchangeActivities:
    def __init__(self, take_turn: SettleOrder) -> None:
        self._take_turn = take_turn

    @activity.defn
    def settle_order(self, request: TurnRequest) -> TurnOutcome:
        """Settle an exchange order: keep it, or give points and stock back; one transaction."""
        with told_to_temporal():
            return self._take_turn(request)
