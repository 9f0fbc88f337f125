"""Turns as Temporal asks for them: a request comes in, one transaction runs, its outcome leaves."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from activities.campaign import CampaignActivities
from activities.contracts import TurnOutcome, TurnRequest
from activities.exchange import ExchangeActivities
from activities.journey import JourneyActivities
from loyalty.campaign_turn import take_campaign_turn
from loyalty.exchange_order import settle
from loyalty.journeys.turn import take_turn
from loyalty.ports import Clock, Store, Transaction, Wants


class Turns:
    """The three kinds of turn over one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def journey(self, request: TurnRequest) -> TurnOutcome:
        # The member is part of the enrolment's id: known before a row is read, so that turns of
        # many members can share one transaction and lock them in one order.
        member_id = request.subject.split("/")[2]
        return self._take(
            request, lambda tx: take_turn(tx, request.subject, request.turn), Wants((member_id,))
        )

    def campaign(self, request: TurnRequest) -> TurnOutcome:
        return self._take(request, lambda tx: take_campaign_turn(tx, request.subject, request.turn))

    def order(self, request: TurnRequest) -> TurnOutcome:
        return self._take(
            request, lambda tx: settle(tx, request.subject, request.turn, request.due)
        )

    def _take(
        self,
        request: TurnRequest,
        work: Callable[[Transaction], dict[str, Any]],
        wants: Wants | None = None,
    ) -> TurnOutcome:
        done = self._store.run(work, now=self._now(request.due), wants=wants)
        return TurnOutcome.model_validate(done)

    def _now(self, due: datetime | None) -> datetime | None:
        """The instant to judge by: a timer that fired has come, even where our clock lags behind.

        None lets the store read its clock when the transaction has begun.
        """
        return due if due is not None and due > self._clock.now() else None


def activities(store: Store, clock: Clock) -> Sequence[Callable[..., Any]]:
    """What a worker must offer so that every workflow can run."""
    turns = Turns(store, clock)
    return [
        JourneyActivities(turns.journey).apply_step,
        CampaignActivities(turns.campaign).campaign_turn,
        ExchangeActivities(turns.order).settle_order,
    ]
