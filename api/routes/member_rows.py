"""The rows of a member's lists, as the API shows them."""

from datetime import datetime

from pydantic import BaseModel, Field

from api.routes.messages import MessageView
from api.routes.runs import RunView


class MemberRun(RunView):
    """A journey of the member, with the name of its campaign."""

    campaign: str | None


class CardView(BaseModel):
    """A personal multiplier. Of several that count at once the best applies."""

    key: str
    campaign_id: str | None
    multiplier_bp: int = Field(description="10,000 = once")
    starts_at: datetime
    ends_at: datetime = Field(description="Exclusive")


class CouponView(BaseModel):
    key: str
    campaign_id: str | None
    kind: str
    given_at: datetime
    ends_at: datetime
    used_at: datetime | None


class ReceiptView(BaseModel):
    """A purchase or a refund as it was recorded, and what the ledger made of it."""

    seq: int
    source: str
    event_id: str
    type: str = Field(description="purchase or refund")
    occurred_at: datetime
    recorded_at: datetime
    store: str | None
    channel: str | None
    amount_minor: int | None = Field(description="Net, in minor units")
    refunded_minor: int = Field(description="What of it came back since")
    refunds_seq: int | None = Field(description="A refund: the number of its purchase")
    transaction: str | None = Field(description="none = it moved no points")
    points: int | None


class Receipts(BaseModel):
    rows: list[ReceiptView]
    next: int | None = Field(None, description="`before` of the next page; none = the end")


class MemberMessage(MessageView):
    """A message to the member, of whichever campaign."""

    campaign_id: str | None
    enrolment_id: str | None


class MemberClaim(BaseModel):
    id: str
    offer_id: str
    request_id: str
    title: dict[str, str] | None
    sku: str | None
    quantity: int
    points: int
    status: str = Field(description="reserved, confirmed, released or expired")
    reserved_at: datetime
    expires_at: datetime
    settled_at: datetime | None


class MemberHold(BaseModel):
    """Points set aside at a till for a bill."""

    id: str
    points: int
    worth_minor: int
    bill_minor: int
    status: str
    placed_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    confirmed_points: int
    purchase_id: str | None
    returned_points: int


class MoveView(BaseModel):
    """A merger, a gift or an erasure."""

    kind: str
    id: str
    member_id: str
    other_id: str | None
    points: int
    at: datetime
