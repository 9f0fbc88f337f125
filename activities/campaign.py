"""The act behind a campaign's turns."""

from typing import Protocol

from temporalio import activity

from activities.contracts import TurnOutcome, TurnRequest
from activities.errors import told_to_temporal


class TakeCampaignTurn(Protocol):
    """Port: take the turn, or return what it left when it was taken before."""

    def __call__(self, request: TurnRequest, /) -> TurnOutcome: ...


class CampaignActivities:
    def __init__(self, take_turn: TakeCampaignTurn) -> None:
        self._take_turn = take_turn

    @activity.defn
    def campaign_turn(self, request: TurnRequest) -> TurnOutcome:
        """Take one turn of a campaign: open, admit a page, or close; one transaction."""
        with told_to_temporal():
            return self._take_turn(request)
