"""A hold at the till: points set aside for one bill, then spent on it, or given back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from loyalty.event_keys import key_after

Status = Literal["open", "confirmed", "released", "expired"]


@dataclass(frozen=True, slots=True)
class TillHold:
    """Its id is the ledger's key of the hold. `expires_at` is exclusive: then it is void.

    `source` placed it. `bill_minor` is what points may pay for of the bill. `confirmed_points` were
    spent and paid `confirmed_minor`. Of what was bought `came_back_minor` came back, and
    `returned_points` with it. `settled_hash` is the fingerprint of what closed it, for repeats.
    """

    id: str
    source: str
    member_id: str
    body_hash: str
    points: int
    worth_minor: int
    bill_minor: int
    status: Status
    placed_at: datetime
    expires_at: datetime
    confirmed_points: int = 0
    confirmed_minor: int = 0
    purchase_source: str | None = None
    purchase_id: str | None = None
    came_back_minor: int = 0
    returned_points: int = 0
    settled_at: datetime | None = None
    settled_hash: str | None = None

    def status_at(self, now: datetime) -> Status:
        """What readers are told: past its deadline a hold is over, whoever has noticed."""
        return "expired" if self.status == "open" and now >= self.expires_at else self.status

    @property
    def paying_minor(self) -> int:
        """What its points pay of the bill, without the share of what came back."""
        if not self.came_back_minor:
            return self.confirmed_minor
        return self.confirmed_minor - self.confirmed_minor * self.came_back_minor // self.bill_minor

    @property
    def burn_key(self) -> str:
        """The ledger's key of the burn that confirming it makes."""
        return key_after("confirm", self.id)


@dataclass(frozen=True, slots=True)
class TillReturn:
    """One return of points, with its answer for repeats."""

    key: str
    hold_id: str
    body_hash: str
    answer: Mapping[str, Any]


def hold_answer(hold: TillHold, status: Status, *, replayed: bool) -> dict[str, Any]:
    """What the till is told of a hold."""
    return {
        "hold_id": hold.id,
        "member_id": hold.member_id,
        "status": status,
        "points": hold.points,
        "worth_minor": hold.worth_minor,
        "bill_minor": hold.bill_minor,
        "expires_at": hold.expires_at.isoformat(),
        "confirmed_points": hold.confirmed_points,
        "confirmed_minor": hold.confirmed_minor,
        "purchase_source": hold.purchase_source,
        "purchase_id": hold.purchase_id,
        "returned_points": hold.returned_points,
        "replayed": replayed,
    }
