"""Acts that concern whole members, as rows: each once by its caller's id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from loyalty.errors import LoyaltyError

MoveKind = Literal["merge", "gift", "erase"]
AdjustmentStatus = Literal["proposed", "approved", "declined"]
MoveId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$")]
Reason = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]


class Asked(BaseModel):
    """What a caller asks under an id of its own: the same again gets the first answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: MoveId


@dataclass(frozen=True, slots=True)
class MemberMove:
    """A merger, gift or erasure that was carried out, with its first answer."""

    kind: MoveKind
    id: str
    member_id: str
    other_id: str | None
    points: int
    at: datetime
    body_hash: str
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction that one person proposed and another approves or declines (rule 15)."""

    id: str
    member_id: str
    points: int
    reason: str
    proposed_by: str
    proposed_at: datetime
    body_hash: str
    status: AdjustmentStatus = "proposed"
    approved_by: str | None = None
    approved_at: datetime | None = None
    declined_by: str | None = None
    declined_at: datetime | None = None
    decline_reason: str | None = None


class GiftRefused(LoyaltyError):
    """The programme does not allow this gift: which rule, and its figures, are in the facts."""

    code = "gift_refused"


class SecondPersonNeeded(LoyaltyError):
    """Who proposed a correction does not decide on it (rule 15)."""

    code = "second_person_needed"
