"""How events look on their way in, one or a batch, and what is answered."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from api.problems import Problem
from loyalty.earning.breakdown import Breakdown
from loyalty.events import MemberEvent, Purchase, Refund

BATCH_MAX = 1000


class Recorded(BaseModel):
    seq: int = Field(description="Its place in the programme's record")
    replayed: bool


class PurchaseRecorded(Recorded):
    """What the receipt earned, with the whole working."""

    points: int
    breakdown: Breakdown = Field(description="Every figure and rule, line by line")
    transaction: str | None = Field(description="The ledger's key; none when nothing was earned")
    first_purchase: bool


class ActRecorded(Recorded):
    """What another act earned, where a rule of the day is about such acts."""

    points: int | None = None
    breakdown: Breakdown | None = None
    transaction: str | None = None


class RefundRecorded(Recorded):
    """What the refund took back."""

    purchase: str
    amount_minor: int = Field(description="What came back of the receipt")
    cash_minor: int = Field(
        description="To be paid out: without what points or a bonus balance paid"
    )
    points_returned: int = Field(description="Points it was paid with, back in their lots")
    points_reversed: int = Field(description="Points it had earned, taken back")
    transaction: str | None


class PurchaseItem(Purchase):
    """A purchase inside a batch."""

    type: Literal["purchase"]


class RefundItem(Refund):
    """A refund inside a batch."""

    type: Literal["refund"]


class Batch(BaseModel):
    """Up to 1,000 events of any kind, in the order in which they happened."""

    events: list[PurchaseItem | RefundItem | MemberEvent] = Field(
        min_length=1, max_length=BATCH_MAX
    )


class ItemResult(BaseModel):
    """What became of one event of a batch."""

    index: int = Field(description="Its place in the batch, the first is 0")
    source: str | None = None
    id: str | None = None
    status: int = Field(
        description="What it would have answered alone: 201, 200, 404, 409, 422 ..."
    )
    answer: dict[str, Any] | None = None
    problem: Problem | None = None


class BatchResult(BaseModel):
    """Each event is its own transaction: one that is refused never costs the others."""

    recorded: int
    replayed: int
    refused: int
    results: list[ItemResult]


EXAMPLE = {
    "events": [
        {
            "type": "check_in",
            "source": "app",
            "id": "chk-1",
            "member_id": "m-1001",
            "occurred_at": "2026-10-03T09:00:00+08:00",
        },
        {
            "type": "purchase",
            "source": "till-12",
            "id": "000481",
            "member_id": "m-1001",
            "occurred_at": "2026-10-03T10:15:00+08:00",
            "currency": "CNY",
            "lines": [{"sku": "6901234", "category": "fresh", "net_minor": 10000}],
        },
    ]
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"$ref": f"#/components/schemas/{name}"}
                        for name in ("Batch", "MemberEvent", "PurchaseItem", "RefundItem")
                    ]
                },
                "example": EXAMPLE,
            }
        },
    }
}
