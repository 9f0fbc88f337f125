"""Quotes: what a cart would earn, and how much of it points could pay."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.routes.members import Expiring
from api.services import Given
from loyalty.earning.breakdown import Breakdown
from loyalty.quotes import Cart, quote
from loyalty.till.limits import Why

router = APIRouter(tags=["Till"])


class UsableView(BaseModel):
    """What points could pay of this cart, by this member, now."""

    payable_minor: int = Field(description="Of the bill, without what points never pay")
    least_points: int = Field(description="0 = none may be used")
    step_points: int = Field(description="From the least in steps of this up to the most")
    most_points: int
    most_minor: int = Field(description="What the most is worth")
    reasons: list[Why] = Field(description="Why not more")


class AtHand(BaseModel):
    """The member's points."""

    available: int
    worth_minor: int = Field(description="What the available points would pay")
    held: int
    debt: int
    pending: int = Field(description="Earned, and not to be spent yet")
    expiring: list[Expiring] = Field(description="Every coming expiry, soonest first")


class QuoteView(BaseModel):
    """The same figures as the purchase will answer, if nothing happens in between."""

    member_id: str
    occurred_at: datetime = Field(description="The instant it was judged at")
    points: int = Field(description="What the cart would earn")
    available_at: datetime | None = Field(
        description="When they could first be spent, after the return window; none = at once"
    )
    expires_at: datetime | None = Field(description="When they would lapse; none = never")
    breakdown: Breakdown = Field(description="Every figure and rule, line by line")
    bill_minor: int
    burn_points: int = Field(description="As asked")
    burn_minor: int = Field(description="What they pay: `paid_with_points_minor` of the purchase")
    to_pay_minor: int = Field(description="What is left to pay in money")
    burn: UsableView
    balance: AtHand


@router.post(
    "/v1/quotes",
    summary="Quote a cart",
    responses=problems(
        "unknown",
        "bill_too_small",
        "too_many_points",
        "not_enough_points",
        "wrong_state",
        write=True,
    ),
)
def quote_cart(
    body: Cart, given: Given, caller: Annotated[Caller, needs("read_members")]
) -> QuoteView:
    """Computed by the function that posts purchases. Nothing is written, nothing is set aside."""
    return QuoteView.model_validate(given.store.read(lambda tx: quote(tx, body)))
