"""Exchange offers and claims: a low point price, real stock, a limit per member, for a time.

An offer is one campaign's, and bears its id. A claim is one member's order of it: reserved for a
short while, then confirmed, or given back. Source: feature 35, rule 21.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from loyalty.digest import digest
from loyalty.errors import LoyaltyError
from loyalty.journeys.plan import Model
from loyalty.refused_claim import ClaimRefusal

OfferState = Literal["announced", "open", "closed"]
ClaimStatus = Literal["reserved", "confirmed", "released", "expired"]
Fault = Literal["member", "merchant"]

# Ids end in URLs, workflow ids and ledger keys: letters, digits and what needs no escaping there.
RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$")]
Cause = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


class OfferSpec(Model):
    """What a campaign offers: the figures a marketer sets before launch."""

    title: dict[str, str] = Field(min_length=1, description="by locale")
    sku: str = Field(min_length=1, max_length=64)
    points: int = Field(ge=1, description="price of one, in points")
    stock: int = Field(ge=1, le=10_000_000)
    per_member: int = Field(1, ge=1, le=1_000, description="how many one member may take")
    # Long enough to finish paying at a till or in a shop's app, short enough to sell it again.
    hold_seconds: int = Field(900, ge=10, le=604_800, description="time to confirm a reservation")
    who: str | None = Field(None, description="a condition: whose claims are taken, none = all")
    opens_at: AwareDatetime
    closes_at: AwareDatetime

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "OfferSpec":
        if self.opens_at >= self.closes_at:
            raise ValueError("closes_at must lie after opens_at")
        return self


class ClaimRequest(Model):
    """A member takes one or several of an offer. The shop makes up one request id per order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "web-2026-10-07-000123",
                    "campaign_id": "wednesday-gift",
                    "member_id": "m-1001",
                    "quantity": 1,
                }
            ]
        }
    )

    request_id: RequestId
    campaign_id: str = Field(min_length=1, max_length=64, description="the offer's id")
    member_id: str = Field(min_length=1, max_length=64)
    quantity: int = Field(1, ge=1, le=1_000, strict=True)

    @property
    def claim_id(self) -> str:
        return f"{self.campaign_id}/{self.request_id}"

    @property
    def body_hash(self) -> str:
        """The same for the same content: order of fields and spelt-out defaults do not count."""
        return digest(self.model_dump(mode="json", exclude_defaults=True))


class ClaimRelease(Model):
    """Why a reserved claim is given back: whose doing it was, and a short code for reports."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"fault": "merchant", "reason": "payment_failed"}]}
    )

    fault: Fault = "member"
    reason: Cause = "cancelled"


@dataclass(frozen=True, slots=True)
class Offer:
    """`remaining` is what nobody has reserved or confirmed."""

    id: str
    title: Mapping[str, str]
    sku: str
    points: int
    stock: int
    remaining: int
    per_member: int
    hold_seconds: int
    who: str | None
    opens_at: datetime
    closes_at: datetime
    state: OfferState

    @property
    def hold(self) -> timedelta:
        return timedelta(seconds=self.hold_seconds)


@dataclass(frozen=True, slots=True)
class Claim:
    """`expires_at` is exclusive: from that instant on a reservation is void."""

    id: str
    offer_id: str
    member_id: str
    request_id: str
    body_hash: str
    quantity: int
    points: int  # for all of them
    status: ClaimStatus
    reserved_at: datetime
    expires_at: datetime
    hold_id: str
    settled_at: datetime | None = None

    def overdue(self, now: datetime) -> bool:
        """Reserved, and not confirmed in time: nobody may confirm it any more."""
        return self.status == "reserved" and now >= self.expires_at

    def status_at(self, now: datetime) -> ClaimStatus:
        """What readers are told: an overdue reservation is over from its deadline."""
        return "expired" if self.overdue(now) else self.status


@dataclass(frozen=True, slots=True)
class Standing:
    """How an offer's stock stands, in units. The four always sum to the stock."""

    remaining: int
    reserved: int
    confirmed: int
    overdue: int  # reserved units past their deadline: readers count them as remaining


class OfferNotOpen(LoyaltyError):
    """Nobody may claim now: too early, too late, or the campaign is paused or stopped."""

    code: ClassVar[str] = "offer_not_open"

    def __init__(self, offer: Offer, cause: ClaimRefusal, why: str) -> None:
        super().__init__(
            f"Offer {offer.id!r} takes no claims: {why}.",
            offer_id=offer.id,
            state=offer.state,
            opens_at=offer.opens_at.isoformat(),
            closes_at=offer.closes_at.isoformat(),
        )
        self.cause = cause


class NotEligible(LoyaltyError):
    """The offer is for other members. `failed`: by which part, and what was found instead."""

    code: ClassVar[str] = "not_eligible"

    def __init__(self, offer: Offer, failed: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(
            f"Offer {offer.id!r} is for members with {offer.who}.",
            offer_id=offer.id,
            who=offer.who,
        )
        self.failed = failed  # the member's own figures: for who explains, not for a till


class SoldOut(LoyaltyError):
    """Fewer are left than were asked for."""

    code: ClassVar[str] = "sold_out"

    def __init__(self, offer_id: str, asked: int, remaining: int) -> None:
        super().__init__(
            f"Offer {offer_id!r} has {remaining} left, {asked} asked for.",
            offer_id=offer_id,
            asked=asked,
            remaining=remaining,
        )


class LimitReached(LoyaltyError):
    """The member would have more than one member may take."""

    code: ClassVar[str] = "limit_reached"

    def __init__(self, offer: Offer, member_id: str, asked: int, taken: int) -> None:
        super().__init__(
            f"A member may take {offer.per_member} of offer {offer.id!r}; "
            f"{taken} are taken, {asked} asked for.",
            offer_id=offer.id,
            member_id=member_id,
            asked=asked,
            taken=taken,
            per_member=offer.per_member,
        )


def claim_answer(claim: Claim, status: ClaimStatus, *, replayed: bool) -> dict[str, Any]:
    """A claim as shops see it; ids, figures and instants only."""
    return {
        "claim_id": claim.id,
        "offer_id": claim.offer_id,
        "request_id": claim.request_id,
        "member_id": claim.member_id,
        "quantity": claim.quantity,
        "points": claim.points,
        "status": status,
        "reserved_at": claim.reserved_at.isoformat(),
        "expires_at": claim.expires_at.isoformat(),
        "replayed": replayed,
    }
