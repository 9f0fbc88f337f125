"""What tills ask: set points aside, spend them, give them back."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from loyalty.event_keys import event_key
from loyalty.events import LINES_MAX, MINOR_MAX, Body, EventId, Id, Line
from loyalty.offers import Cause, Fault
from loyalty.till.presented import Presented

POINTS_MAX = 1_000_000_000
Points = Annotated[int, Field(ge=1, le=POINTS_MAX, strict=True)]
Part = Annotated[int, Field(ge=1, le=MINOR_MAX, strict=True)]
Lines = Annotated[tuple[Line, ...], Field(min_length=1, max_length=LINES_MAX)]


def _example(**body: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [body]})


class HoldRequest(Presented):
    """A member wants to pay a part of this bill with points."""

    model_config = _example(
        source="till-12",
        id="2026-10-03/000481-points",
        phone="138 0013 8000",
        points=2000,
        currency="CNY",
        lines=[{"sku": "6901234", "category": "grocery", "net_minor": 25000}],
    )

    source: Id = Field(description="the system that asks, such as a till")
    id: EventId = Field(description="its id for this hold, never used twice")
    points: Points | None = Field(None, description="none = as many as may be used")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")
    lines: Lines

    @property
    def hold_id(self) -> str:
        return event_key("till", self.source, self.id)


class HoldConfirm(Body):
    """The bill is paid: the points are spent on this purchase, all or fewer."""

    model_config = _example(purchase_id="2026-10-03/000481")

    purchase_id: EventId
    purchase_source: Id | None = Field(None, description="none = whoever placed the hold")
    points: Points | None = Field(None, description="fewer, when the bill shrank; none = all")
    bill_minor: Part | None = Field(
        None, description="what points may pay for now, when it is not what it was"
    )


class HoldRelease(Body):
    """The member pays otherwise, or the sale came to nothing."""

    model_config = _example(fault="member", reason="paid_otherwise")

    fault: Fault = "member"
    reason: Cause = "cancelled"


class HoldReturn(Body):
    """Goods came back, or never arrived, of a purchase that Milepost knows nothing else of."""

    model_config = _example(source="shop", id="back-17", amount_minor=5000, fault="merchant")

    source: Id
    id: EventId = Field(description="its id for this return, never used twice")
    amount_minor: Part | None = Field(
        None, description="what of the bill came back, before points; none = all that is left"
    )
    fault: Fault = Field(
        "member", description="merchant: points that lapsed meanwhile live on for a while"
    )
