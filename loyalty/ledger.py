"""The points ledger in the words of the business: what is asked, what is answered, what refused.

Points move between accounts: `issuance` gives them out, a `member` holds them, `redemption` takes
what is spent, `breakage` what lapsed, a member's `debt` says what was taken back but was no longer
there, and `transfer` stands between two members. Every entry names both of its sides, so that
nothing moves on one side alone. `posting.py` decides; `storage/` records.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, get_args

import orjson

from loyalty.errors import LoyaltyError, WrongState

OwnKind = Literal["member", "debt"]
OWN: tuple[OwnKind, ...] = ("member", "debt")
"""Accounts that each member has."""
Contra = Literal["issuance", "redemption", "breakage", "transfer", "none"]
"""The other side of an entry: one account of the programme each. A hold moves nothing: `none`."""
HoldStatus = Literal["open", "confirmed", "released", "expired"]
POLICIES = ("stop", "within_balance", "debt")

UNDATED = datetime(9999, 12, 31, tzinfo=UTC)
"""When points without an expiry lapse: far away, so that they are spent last."""
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""When points without a return window can be spent: before any purchase, so from the first."""


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
    """Give points out, into the lot of their expiry and source; debt is repaid first.

    Until `available_at` they are pending: on the book, and not to be spent (rule 1).
    """

    member_id: str
    points: int
    kind: str = "earn"
    expires_at: datetime | None = None
    source: str = "purchase"
    campaign_id: str | None = None
    effective_at: datetime | None = None
    available_at: datetime | None = None


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
    """Undo a transaction, all that is left of it or a part. `policy` rules a shortfall.

    Points spent from a lot that lapsed since break at once, or live on until `reinstate_until`
    where the shop is at fault (rule 7).
    """

    transaction_key: str
    points: int | None = None
    policy: str = "debt"
    reinstate_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expire:
    """Break what lapsed before an instant and is not held.

    `undated` breaks so many points without a date as well: the policy says when (rule 8).
    """

    member_id: str
    before: datetime
    undated: int | None = None


@dataclass(frozen=True, slots=True)
class Prolong:
    """Let points of one expiry live until another: those nobody was warned of in time (rule 8)."""

    member_id: str
    expires_at: datetime
    until: datetime
    points: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand points over; each keeps its expiry (rules 18 and 25).

    `everything` is a merger: pending and lapsed lots and the debt go as well, whatever `points` is.
    """

    member_id: str
    to_member_id: str
    points: int
    kind: str = "transfer"
    everything: bool | None = None


@dataclass(frozen=True, slots=True)
class Adjust:
    """Correct a balance by hand, up or down; a reason and a second person stand in `meta`."""

    member_id: str
    points: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forfeit:
    """Break everything a member has, by name: who leaves, leaves the points (rule 19)."""

    member_id: str


Request = Earn | Burn | Reserve | Confirm | Release | Reverse | Expire | Prolong | Adjust | Forfeit
_NAMES = {
    request: tuple(field.name for field in fields(request))
    for request in (*get_args(Request), Transfer)
}
# The class besides: of one name alone `attrgetter` would make no tuple.
_READ = {request: attrgetter(*names, "__class__") for request, names in _NAMES.items()}


@lru_cache(maxsize=8192)
def stamp(at: datetime) -> str:
    """An instant as it is sealed: UTC. Many postings share their dates, so it is kept a while."""
    return at.astimezone(UTC).isoformat()


def body_hash(request: Request | Transfer) -> bytes:
    """The fingerprint a repeated key is compared by; `meta` describes and is not part of it.

    What is none is left out, so that a field added later leaves older fingerprints as they were.
    """
    kind = type(request)
    body = [
        (name, stamp(value) if isinstance(value, datetime) else value)
        for name, value in zip(_NAMES[kind], _READ[kind](request), strict=False)
        if value is not None
    ]
    return hashlib.sha256(orjson.dumps((kind.__name__, body))).digest()


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
    was no longer there; `debt_change` is what a reversal added to the debt, or an earn repaid;
    `lapsed` is the part given back to lots that are over.
    """

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
    lapsed: int = 0
    replayed: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Balance:
    """What a member has, at one instant. `available` is what can be spent now.

    `pending` waits for its return window to close: every part with the instant it can be spent.
    """

    posted: int = 0
    held: int = 0
    available: int = 0
    debt: int = 0
    next_expiry: list[tuple[datetime, int]] = field(default_factory=list)
    pending: list[tuple[datetime, int]] = field(default_factory=list)


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
