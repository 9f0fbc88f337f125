"""A claim that took nothing, kept so that "I pressed and got nothing" has an answer.

Of each member, offer and cause the last is kept: however often somebody presses, few rows come of
it. It decides nothing: the same request may come again, and may succeed. Source: rule 21.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from loyalty.records import Decision

ClaimRefusal = Literal[
    "too_early",
    "too_late",
    "paused",
    "stopped",
    "not_eligible",
    "sold_out",
    "limit_reached",
    "not_enough_points",
]


@dataclass(frozen=True, slots=True)
class RefusedClaim:
    """Who asked for how many of what, when, and why not, with the figures that were answered."""

    member_id: str
    offer_id: str
    reason: ClaimRefusal
    request_id: str
    quantity: int
    at: datetime
    facts: Mapping[str, Any]

    def decision(self) -> Decision:
        """As `explain.py` says it, among what was decided about the member's claims."""
        said = {"pressed": self.at.isoformat(), "request_id": self.request_id}
        return Decision(
            key="",
            campaign_id=self.offer_id,
            version=0,
            member_id=self.member_id,
            step_id="claim",
            verdict="refused",
            reason="claim_" + self.reason,
            at=self.at,
            inputs={**self.facts, **said, "quantity": self.quantity},
        )
