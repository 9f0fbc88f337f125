"""Tiers: where a member stands, what is missing, and how it came to be."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import MemberId
from api.services import Given
from api.sharing import shared
from loyalty.errors import Unknown
from loyalty.member_moves import Reason
from loyalty.ports import Transaction, Wants
from loyalty.tiers.by_hand import TierGiven, set_tier, standing_of
from loyalty.tiers.settings import Metric
from loyalty.tiers.standing import Held, Standing

router = APIRouter(tags=["Members"])


class HeldView(BaseModel):
    """One row of the history: nothing in it is ever changed."""

    track: str = Field(description="ladder, or paid: a level that stands beside the ladder")
    tier: str
    from_at: datetime
    until_at: datetime | None = Field(None, description="When it has to be earned or paid again")
    reason: str = Field(
        description="reached, retained, not_retained, refunded, opened, set_by_hand or paid"
    )
    came_from: str = Field(description="The tier on the ladder before")
    metric: int | None = Field(None, description="What was counted, in minor units or points")
    counted_from: datetime | None = Field(None, description="Since when it was counted")


class TierView(BaseModel):
    """Where a member stands. Spending points changes nothing here."""

    member_id: str
    tier: str = Field(description="The one that counts: of the ladder or paid for, the higher")
    ladder_tier: str
    since: datetime = Field(description="Since when `ladder_tier` is held without a break")
    reason: str = Field(description="Why: the last row of the ladder, or given at registration")
    valid_until: datetime | None = Field(
        None, description="When it has to be earned again; none = it stays"
    )
    paid_level: str | None = None
    paid_until: datetime | None = None
    metric_name: Metric
    metric: int = Field(description="Counted since `counted_from`, in minor units or points")
    counted_from: datetime
    next_tier: str | None = Field(None, description="none = the highest is reached")
    to_rise: int | None = Field(None, description="How much of the metric `next_tier` still needs")
    to_stay: int | None = Field(None, description="How much is missing to keep the tier")
    stay_by: datetime | None = Field(None, description="Exclusive, days of grace included")
    at_risk: bool = Field(description="Something is missing and little time is left")
    history: list[HeldView] = Field(description="Newest first")


class TierBody(TierGiven):
    """A tier by hand, and why: it stays in the audit trail beside your key."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"tier": "gold", "reason": "Apology for a lost order"},
                {
                    "kind": "paid",
                    "tier": "plus",
                    "until": "2027-10-03T00:00:00+08:00",
                    "reason": "Year card bought in the app",
                },
            ]
        },
    )
    reason: Reason


@router.get(
    "/v1/members/{member_id}/tier", summary="Read a member's tier", responses=problems("unknown")
)
def read_tier(
    member_id: MemberId, given: Given, caller: Annotated[Caller, needs("read_members")]
) -> TierView:
    """The tier, what is missing to rise and to stay, and every change with its reason."""
    return given.store.read(lambda tx: tier_view(tx, member_id))


@router.post(
    "/v1/members/{member_id}/tier",
    summary="Give a member a tier by hand",
    responses=problems("unknown", "wrong_state", write=True),
)
async def post_tier(
    member_id: MemberId,
    body: TierBody,
    given: Given,
    caller: Annotated[Caller, needs("set_tier")],
) -> TierView:
    """A place on the ladder, or a paid level with its end. The same again changes nothing.

    Campaigns that begin with `tier.changed` begin in the same transaction. There is no upgrade
    gift: that is for tiers that were earned.
    """
    wanted = TierGiven(kind=body.kind, tier=body.tier, until=body.until)

    def work(tx: Transaction) -> TierView:
        set_tier(tx, member_id, wanted, body.reason, caller.actor)
        return tier_view(tx, member_id)

    return await shared(given, work, Wants(members=(member_id,)))


def tier_view(tx: Transaction, member_id: str) -> TierView:
    """Where a member stands, with the whole history; raises Unknown."""
    member = tx.members.get(member_id)
    if member is None:
        raise Unknown("member", member_id)
    standing: Standing = standing_of(tx, member)
    rows: list[Held] = [*reversed(tx.tiers.history(member_id))]
    return TierView(
        member_id=member_id,
        metric_name=tx.programme.tiers.metric,
        history=[HeldView.model_validate(row, from_attributes=True) for row in rows],
        **{
            name: getattr(standing, name)
            for name in TierView.model_fields
            if name not in ("member_id", "metric_name", "history")
        },
    )
