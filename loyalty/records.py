"""Rows that the use cases read and write, as plain frozen values.

What is decided lives in the modules beside this one; these are only the shapes that cross the
storage ports. Changing one means `dataclasses.replace` and a `save`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from loyalty.journeys.machine import Position
from loyalty.journeys.plan import Plan

CampaignState = Literal["draft", "launched", "paused", "stopped", "finished"]
EnrolmentState = Literal["admitted", "waiting", "held", "ended"]


@dataclass(frozen=True, slots=True)
class Campaign:
    id: str
    name: str
    template: str
    state: CampaignState
    version: int
    created_at: datetime
    launched_at: datetime | None = None
    ended_at: datetime | None = None
    position: Mapping[str, Any] = field(default_factory=dict)
    turn: int = 0
    wake_at: datetime | None = None
    budget_points: int | None = None
    granted_points: int = 0
    reserved_points: int = 0
    last_outcome: Mapping[str, Any] | None = None

    def has_room(self, points: int) -> bool:
        """Whether the budget allows so many points beside what is granted and reserved."""
        taken = self.granted_points + self.reserved_points + points
        return self.budget_points is None or taken <= self.budget_points


@dataclass(frozen=True, slots=True)
class Version:
    """A campaign version: immutable once made. `body` is the compiled campaign as JSON."""

    campaign_id: str
    version: int
    template: str
    body: Mapping[str, Any]
    plan: Plan
    plan_hash: str
    messages: Mapping[str, Any]
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """One person's wish to launch a draft's version, for another to approve or decline."""

    campaign_id: str
    version: int
    state: Literal["waiting", "declined"]
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None  # why it was declined


@dataclass(frozen=True, slots=True)
class Enrolment:
    id: str
    campaign_id: str
    version: int
    template: str
    member_id: str
    entry_key: str
    arm: str
    state: EnrolmentState
    admitted_at: datetime
    position: Position
    outcome: str | None = None
    ended_at: datetime | None = None
    wake_at: datetime | None = None
    turn: int = 0
    nudged_turn: int = -1
    trigger_seq: int | None = None
    granted_points: int = 0
    reserved_points: int = 0
    # Message variables the journey carries along: its last grant, card and wait.
    remembered: Mapping[str, Any] = field(default_factory=dict)
    last_outcome: Mapping[str, Any] | None = None
    again: bool = False  # the member has entered this campaign before
    reached: str = ""  # `journeys/reached.py`: the places of the plan the journey has been at
    # The campaign's goal, judged alike for treated and held-out members.
    goal_since: datetime | None = None  # acts after it count
    goal_until: datetime | None = None  # exclusive; none = the campaign has no goal
    goal_met_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """One recorded event: purchase, refund, registration or any declared type."""

    seq: int
    source: str
    event_id: str
    type: str
    member_id: str
    occurred_at: datetime
    recorded_at: datetime
    body: Mapping[str, Any]
    answer: Mapping[str, Any]
    body_hash: str
    store: str | None = None
    channel: str | None = None
    amount_minor: int | None = None
    refunded_minor: int = 0
    refunds_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Why something happened to a member in a campaign, or did not.

    `key` is unique: the effect's own key, so a repeated act finds its decision already there.
    `inputs` holds ids and figures only.
    """

    key: str
    campaign_id: str
    version: int
    member_id: str
    step_id: str
    verdict: str  # done refused skipped deferred held_out not_admitted admitted waiting ended
    reason: str
    at: datetime
    enrolment_id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    event_seq: int | None = None
    turn: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CardHeld:
    """A personal multiplier on spend points for a time."""

    key: str
    member_id: str
    multiplier_bp: int
    starts_at: datetime
    ends_at: datetime
    campaign_id: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorCommand:
    id: int
    enrolment_id: str
    command: Literal["retry", "skip", "cancel"]
    reason: str
    actor: str
    at: datetime
