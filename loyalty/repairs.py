"""What needs a hand: the lists, what may be done about each, and jobs that do it at a pace.

A job's targets are frozen when it starts, and each is acted on once. Source: rule 14, for what was
sent twice with other content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from loyalty.events import Id
from loyalty.member_moves import Asked, Reason

ListName = Literal[
    "failing_runs",
    "stuck_runs",
    "parked_rows",
    "refused_events",
    "late_events",
    "unknown_messages",
    "failed_messages",
    "deferred_messages",
    "overdue_claims",
    "ledger_mismatches",
]
LISTS: tuple[ListName, ...] = get_args(ListName)

Act = Literal["retry", "skip", "cancel", "resend", "replay", "give_back", "set_aside"]
_RUN: tuple[Act, ...] = ("retry", "skip", "cancel")
ACTS: Mapping[ListName, tuple[Act, ...]] = {
    "failing_runs": _RUN,
    "stuck_runs": _RUN,
    "parked_rows": ("replay", "set_aside"),
    "refused_events": ("replay", "set_aside"),
    # What came too late for its campaign is made good by a correction, if at all.
    "late_events": ("set_aside",),
    "unknown_messages": ("resend", "set_aside"),
    "failed_messages": ("resend", "set_aside"),
    "deferred_messages": ("set_aside",),
    "overdue_claims": ("give_back",),
    "ledger_mismatches": ("set_aside",),
}

TARGETS_MAX = 10_000
"""Items of one job: more than that is a cause to be mended, not a list to be worked off."""
PACE_MAX = 6_000

# From when on something is no longer work in progress.
STUCK_AFTER = timedelta(minutes=10)
DEFERRED_AFTER = timedelta(hours=24)
CLAIM_GRACE = timedelta(minutes=5)
LOOKED_BACK = timedelta(days=30)
"""Failed messages and late events older than this are history."""

Target = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class Narrowed(BaseModel):
    """A part of a list: of one campaign, of one member, or both; neither = all of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    campaign_id: Id | None = None
    member_id: Id | None = None


class JobRequest(Asked):
    """Act on these things, or on all that the list shows now, so many a minute."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "fix-1",
                    "list": "unknown_messages",
                    "act": "resend",
                    "reason": "mail server is back",
                    "pace": 60,
                    "all": {"campaign_id": "welcome"},
                }
            ]
        }
    )
    list: ListName
    act: Act
    reason: Reason
    pace: int = Field(60, ge=1, le=PACE_MAX, strict=True, description="items a minute")
    targets: tuple[Target, ...] | None = Field(
        None, min_length=1, max_length=1000, description="ids as the list gives them"
    )
    all: Narrowed | None = Field(None, description="instead: everything the list shows now")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.targets is None) == (self.all is None):
            raise ValueError("name `targets` or `all`, and not both")
        if self.act not in ACTS[self.list]:
            raise ValueError(f"on {self.list} one can {', '.join(ACTS[self.list])}")
        return self


JobState = Literal["running", "stopped", "done"]
ItemState = Literal["waiting", "done", "failed"]


@dataclass(frozen=True, slots=True)
class RepairJob:
    """Who wants what done to how many things, why, at which pace, and how far it is."""

    id: str
    list: ListName
    act: Act
    reason: str
    actor: str
    at: datetime
    pace: int
    total: int
    body_hash: str
    next_at: datetime
    state: JobState = "running"
    done: int = 0
    failed: int = 0
    ended_at: datetime | None = None
    stopped_by: str | None = None
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RepairItem:
    """One thing that a job acts on, once."""

    job_id: str
    number: int
    target: str
    state: ItemState = "waiting"
    outcome: str | None = None
    at: datetime | None = None
