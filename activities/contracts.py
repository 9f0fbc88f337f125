"""What crosses the border to Temporal: small, frozen, and free of personal data.

Every model only ever gains fields, and only with a default: histories written by an older version
must still be read. Ids are references; the truth they name lies in the database.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Temporal refuses summaries above 400 bytes and details above 20,000; Chinese takes three bytes a
# character, so both limits are set where the longest text still fits.
Summary = Annotated[str, Field(max_length=200)]
Details = Annotated[str, Field(max_length=6000)]


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True)


class JourneyBrief(Contract):
    """Which member's journey to run; `turn` is where a continued run takes up again."""

    enrolment_id: str
    campaign_id: str
    version: int
    template: str
    member_ref: str
    plan_hash: str
    turn: int = 0


class CampaignBrief(Contract):
    """Which campaign to keep running."""

    campaign_id: str
    version: int
    template: str
    turn: int = 0


class OrderBrief(Contract):
    """Which exchange claim to settle."""

    claim_id: str
    campaign_id: str
    turn: int = 0


class TurnRequest(Contract):
    """Look again at `subject`, as its turn number `turn`.

    `due` is the instant the subject asked to be woken at, when its timer is what woke it: the turn
    counts that instant as reached even where the database's clock is a moment behind Temporal's.
    """

    subject: str
    turn: int
    due: datetime | None = None


class TurnOutcome(Contract):
    """What a turn left behind: an end, or what to wait for.

    `sleep_seconds` none = only a nudge wakes it; zero = there is more to do now, take the next turn
    at once. `summary` names the wait and `next_summary` the turn after it, both in plain words.
    """

    ended: bool
    outcome: str | None = None
    # The turn that comes next; more than one on where an old turn was asked for again (a reset).
    next_turn: int | None = None
    sleep_seconds: Annotated[float, Field(ge=0)] | None = None
    wake_at: datetime | None = None
    summary: Summary = ""
    details: Details = ""
    next_summary: Summary = ""


class Nudge(Contract):
    """Something changed: look again. `outbox_id` and `at` tell a repeated nudge from a new one.

    The number alone does not: a database restored from a backup gives its numbers a second time.
    """

    outbox_id: int
    reason: str
    at: datetime | None = None
