"""The points ledger in the words of the business: what is asked, what is answered, what refused.

Points move between the accounts of a member's own book: `issuance` gives them out, `member` holds
them, `redemption` takes what is spent, `breakage` what lapsed, and `debt` what was taken back but
no longer there. Every transaction's legs sum to zero. `posting.py` decides; `storage/` records.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from loyalty.digest import digest
from loyalty.errors import LoyaltyError, WrongState

Kind = Literal["earn", "grant", "burn", "hold", "confirm", "release", "reverse", "expire"]
AccountKind = Literal["member", "issuance", "redemption", "breakage", "debt"]
HoldStatus = Literal["open", "confirmed", "released", "expired"]
POLICIES = ("stop", "within_balance", "debt")

UNDATED = datetime(9999, 12, 31, tzinfo=UTC)
"""When points without an expiry lapse: far away, so that they are spent last."""


class NotEnoughPoints(LoyaltyError):
    """The member cannot pay: what it takes and what is there are in the facts."""

    code = "not_enough_points"

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(
            f"{needed} points are needed and {available} are available.",
            needed=needed,
            available=available,
        )
        self.needed = needed
        self.available = available


class HoldClosed(WrongState):
    """The hold was confirmed, released or ran out before."""

    code = "hold_closed"

    def __init__(self, hold_id: str, status: str) -> None:
        super().__init__(f"Hold {hold_id!r} is {status}.", hold_id=hold_id, status=status)
        self.status = status


class ReversalTooLarge(LoyaltyError):
    """More would be taken back than the transaction moved."""

    code = "reversal_too_large"

    def __init__(self, key: str, asked: int, left: int) -> None:
        super().__init__(
            f"{asked} points cannot be reversed: {left} of transaction {key!r} are left.",
            key=key,
            asked=asked,
            left=left,
        )


# --- what is asked -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Earn:
    """Give points out, into the lot of their expiry and source; debt is repaid first."""

    member_id: str
    points: int
    kind: str = "earn"
    expires_at: datetime | None = None
    source: str = "purchase"
    campaign_id: str | None = None
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Burn:
    """Spend points, those that lapse soonest first (rule 4)."""

    member_id: str
    points: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Set points aside until confirmed or released; they cannot lapse meanwhile."""

    member_id: str
    points: int
    hold_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Confirm:
    """Spend what was held, all of it or a part; the rest goes back to its lots."""

    hold_id: str
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """Give a hold back to its lots."""

    hold_id: str


@dataclass(frozen=True, slots=True)
class Reverse:
    """Undo a transaction, all that is left of it or a part. `policy` rules a shortfall."""

    transaction_key: str
    points: int | None = None
    policy: str = "debt"


@dataclass(frozen=True, slots=True)
class Expire:
    """Break what lapsed before an instant and is not held."""

    member_id: str
    before: datetime


Request = Earn | Burn | Reserve | Confirm | Release | Reverse | Expire


def body_hash(request: Request) -> str:
    """The fingerprint a repeated key is compared by; `meta` describes and is not part of it."""
    body = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(request).items()
    }
    return digest([type(request).__name__, body])


# --- what is answered --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LotUse:
    """Points that went into or came out of one lot."""

    expires_at: datetime | None
    source: str
    points: int


@dataclass(frozen=True, slots=True)
class Posted:
    """A transaction as answered to whoever asked, the same again for a repeated key.

    `points` is what was asked. `shortfall` is the part of a reversal that was forgiven because it
    was no longer there; `debt_change` is what a reversal added to the debt, or an earn repaid.
    """

    transaction_id: int
    key: str
    kind: str
    member_id: str
    points: int
    balance_after: int
    available_after: int
    at: datetime
    lots: tuple[LotUse, ...] = ()
    hold_id: str | None = None
    shortfall: int = 0
    debt_change: int = 0
    replayed: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The stored answer; id, key, time and meta are columns of their own."""
        return {
            "kind": self.kind,
            "member_id": self.member_id,
            "points": self.points,
            "balance_after": self.balance_after,
            "available_after": self.available_after,
            "lots": [
                [u.expires_at.isoformat() if u.expires_at else None, u.source, u.points]
                for u in self.lots
            ],
            "hold_id": self.hold_id,
            "shortfall": self.shortfall,
            "debt_change": self.debt_change,
        }

    @classmethod
    def from_json(
        cls,
        answer: Mapping[str, Any],
        *,
        transaction_id: int,
        key: str,
        at: datetime,
        meta: Mapping[str, Any],
    ) -> "Posted":
        """A stored answer, marked as replayed."""
        uses = (
            LotUse(datetime.fromisoformat(expires) if expires else None, source, points)
            for expires, source, points in answer["lots"]
        )
        known = dict(answer) | {"lots": tuple(uses)}
        return cls(**known, transaction_id=transaction_id, key=key, at=at, meta=meta, replayed=True)


@dataclass(frozen=True, slots=True)
class Balance:
    """What a member has, at one instant. `available` is what can be spent now."""

    posted: int = 0
    held: int = 0
    available: int = 0
    debt: int = 0
    next_expiry: list[tuple[datetime, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a member's statement: gap-free `seq` proves that none is missing."""

    seq: int
    transaction_id: int
    key: str
    kind: str
    at: datetime
    effective_at: datetime
    amount: int
    held_delta: int
    balance: int
    campaign_id: str | None
    meta: Mapping[str, Any]
