"""What happened, as the shops' systems report it: purchases, refunds and members' other acts.

Every body is bounded, every instant knows its zone, and money is whole minor units. The pair
(source, id) names an event for good: the same body again gets the first answer.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from loyalty.digest import digest

LINES_MAX = 200
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead a till's clock may run before its receipts are refused."""
MINOR_MAX = 1_000_000_000_000
OWN_SOURCE = "milepost"
"""The source of events that Milepost itself records; nobody else reports under it."""
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _dated(written: object) -> object:
    # A number, and a text of digits, would be read as seconds or milliseconds by how large it is.
    if isinstance(written, datetime) or re.match(r"[0-9]{4}-", str(written)):
        return written
    raise PydanticCustomError("datetime_parsing", "is no instant")


def _reasonable(at: datetime) -> datetime:
    # Compared before it is converted: the ends of the calendar cannot be.
    if not _FIRST <= at < _LAST:
        raise ValueError("must lie between the years 2000 and 2100")
    return at.astimezone(UTC)


def _of_others(source: str) -> str:
    # Whoever could report under our name could be in the way of what we are about to record.
    if source == OWN_SOURCE:
        raise ValueError("is kept for what Milepost itself records")
    return source


def one_line(length: int) -> Any:
    """A text without line ends or other control characters."""
    # Control characters break reports and are refused by PostgreSQL.
    return StringConstraints(
        min_length=1, max_length=length, pattern=r"^[^\x00-\x1f\x7f]+$", strip_whitespace=True
    )


Instant = Annotated[AwareDatetime, BeforeValidator(_dated), AfterValidator(_reasonable)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
# Ids stand in addresses. What lies between slashes is neither empty nor `.` or `..`: clients leave
# such parts out, and would name another event.
EventId = Annotated[
    str,
    StringConstraints(
        max_length=128,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*(/(\.{0,2}[A-Za-z0-9_:-]|\.{3})[A-Za-z0-9._:-]*)*$",
    ),
]
Source = Annotated[Id, AfterValidator(_of_others)]
EventType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,63}$")]
Name = Annotated[str, one_line(64)]
ShortName = Annotated[str, one_line(32)]
Minor = Annotated[
    int, Field(ge=0, le=MINOR_MAX, strict=True, description="money in whole minor units")
]


def _examples(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class Body(BaseModel):
    """A body from outside: nothing unknown in it, nothing changed after it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Body):
    """What every event says: who reports it under which id, and when it happened."""

    source: Source = Field(description="the system that reports it, such as a till or the web shop")
    id: EventId = Field(description="its id there, never used twice")
    occurred_at: Instant = Field(description="when it happened, with its offset")


class Line(Body):
    """One line of a receipt. `net_minor` is what was paid for all of `quantity`."""

    sku: Name
    category: Name
    quantity: int = Field(1, ge=1, le=1_000_000, strict=True)
    net_minor: Minor = Field(description="after discounts, for the whole quantity")
    brand: Name | None = None
    tax_minor: Minor = Field(0, description="the tax within `net_minor`")

    @field_validator("tax_minor")
    @classmethod
    def _tax_is_a_part(cls, tax_minor: int, before: ValidationInfo) -> int:
        if tax_minor > before.data.get("net_minor", tax_minor):
            raise ValueError("is more than net_minor, which it is a part of")
        return tax_minor


class Purchase(Event):
    """A receipt, in the shop or online."""

    model_config = _examples(
        {
            "source": "till-12",
            "id": "2026-10-03/000481",
            "member_id": "m-1001",
            "occurred_at": "2026-10-03T10:15:00+08:00",
            "currency": "CNY",
            "store": "riverside",
            "channel": "store",
            "lines": [
                {"sku": "6901234", "category": "fresh", "quantity": 2, "net_minor": 10000},
                {"sku": "6905678", "category": "grocery", "quantity": 1, "net_minor": 2590},
            ],
        }
    )

    member_id: Id
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")
    store: Name | None = None
    channel: ShortName | None = Field(None, description="store, web, app ...")
    till: Name | None = None
    receipt_no: Name | None = None
    lines: tuple[Line, ...] = Field(min_length=1, max_length=LINES_MAX)
    paid_with_points_minor: Minor = Field(
        0, description="the part paid with points or a bonus balance, which earns nothing"
    )

    @field_validator("paid_with_points_minor")
    @classmethod
    def _paid_at_most_once(cls, paid_minor: int, before: ValidationInfo) -> int:
        lines = before.data.get("lines")
        if lines is not None and paid_minor > sum(line.net_minor for line in lines):
            raise ValueError("is more than the receipt came to")
        return paid_minor

    @property
    def net_minor(self) -> int:
        """What the receipt came to."""
        return sum(line.net_minor for line in self.lines)


class RefundLine(Body):
    """So many of one line came back."""

    line: int = Field(
        ge=1, le=LINES_MAX, strict=True, description="its number on the receipt, the first is 1"
    )
    quantity: int = Field(ge=1, le=1_000_000, strict=True)


class Refund(Event):
    """Goods that came back: the lines named, or the whole receipt when none are."""

    model_config = _examples(
        {
            "source": "till-12",
            "id": "2026-10-05/000077",
            "purchase_id": "2026-10-03/000481",
            "occurred_at": "2026-10-05T16:40:00+08:00",
            "lines": [{"line": 1, "quantity": 1}],
        },
        {
            "source": "till-12",
            "id": "2026-10-05/000078",
            "purchase_id": "2026-10-03/000481",
            "occurred_at": "2026-10-05T16:45:00+08:00",
        },
    )

    purchase_id: EventId = Field(description="the purchase's id")
    purchase_source: Id | None = Field(None, description="its source, if it is another one")
    lines: tuple[RefundLine, ...] | None = Field(None, min_length=1, max_length=LINES_MAX)
    fault: Literal["member", "merchant"] = Field(
        "member",
        description="merchant: points it was paid with live on for a while if they lapsed since",
    )

    @field_validator("lines")
    @classmethod
    def _each_line_once(cls, lines: tuple[RefundLine, ...] | None) -> tuple[RefundLine, ...] | None:
        numbers = [line.line for line in lines or ()]
        if len(numbers) != len(set(numbers)):
            raise ValueError("may name each line of the receipt once")
        return lines


class MemberEvent(Event):
    """Anything else a member did: a check-in, a review, a survey; the programme lists the types."""

    model_config = _examples(
        {
            "source": "app",
            "id": "chk-20261003-1001",
            "type": "check_in",
            "member_id": "m-1001",
            "occurred_at": "2026-10-03T09:00:00+08:00",
            "store": "riverside",
        },
        {
            "source": "app",
            "id": "rev-88213",
            "type": "review",
            "member_id": "m-1001",
            "occurred_at": "2026-10-04T20:12:00+08:00",
            "attributes": {"sku": "6901234", "photo": "yes"},
        },
    )

    type: EventType
    member_id: Id
    store: Name | None = None
    channel: ShortName | None = None
    attributes: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")],
        Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")],
    ] = Field(default_factory=dict, max_length=32)


def body_hash(body: BaseModel) -> str:
    """The same for the same content: order, offsets and spelt-out defaults do not count."""
    return digest(body.model_dump(mode="json", exclude_defaults=True))
