"""The act behind the programme's regular care."""

from typing import Protocol

from temporalio import activity

from activities.contracts import Contract
from activities.errors import told_to_temporal


class UpkeepBrief(Contract):
    """Nothing to say yet; rounds come at a fixed pace."""


class UpkeepReport(Contract):
    """What one round found and did; zeros are the good news."""

    lapsed_members: int = 0  # members whose points lapsed and were booked out
    noticed_members: int = 0  # members told that points lapse soon
    prolonged_members: int = 0  # whose points live on, as no notice was given in time
    overdue_holds: int = 0  # holds past their time whose points were set free again
    overdue_claims: int = 0  # reservations given back because nobody else had
    reviewed_tiers: int = 0  # members whose tier changed, or who were warned
    restarted_runs: int = 0  # journeys that nothing would have woken
    restarted_campaigns: int = 0
    outbox_due: int = 0
    outbox_seconds: float = 0.0  # age of the oldest row that could go out and has not
    outbox_dead: int = 0  # rows given up on: an operator must look
    broken_sums: int = 0  # what does not add up in the ledger, where this round added it up
    sealed: int = 0  # transactions under the checkpoint that was signed now; 0 = nothing new
    failed: int = 0  # members, claims, runs and parts of the round that failed: the log says why


class LookAfter(Protocol):
    """Port: one round of care, each part of it in short transactions of its own."""

    def __call__(self) -> UpkeepReport: ...


class UpkeepActivities:
    def __init__(self, look_after: LookAfter) -> None:
        self._look_after = look_after

    @activity.defn
    def look_after(self, brief: UpkeepBrief) -> UpkeepReport:
        """Free overdue holds, book lapsed points out, review tiers, wake what was forgotten."""
        with told_to_temporal(refused_for_good=False):
            return self._look_after()
