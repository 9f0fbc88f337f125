"""Members: joining, what they have, what they may be told, what they were told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.errors import problems
from api.keys import Caller, needs
from api.recording import Before, MemberId, PageSize, recorded, twice
from api.services import Given
from api.sharing import shared
from loyalty.coming_expiry import balance_of
from loyalty.errors import Unknown
from loyalty.ledger import Balance
from loyalty.member_details import DetailsChange, change_details
from loyalty.member_moves import Reason
from loyalty.members import ConsentSource
from loyalty.ports import Transaction, Wants
from loyalty.programme import Channel, Purpose
from loyalty.registration import Consent, Registration, register
from loyalty.wishes import consent

router = APIRouter(tags=["Members"])


class Registered(BaseModel):
    """The member is in the programme, and journeys that begin with joining have begun."""

    model_config = ConfigDict(extra="allow")
    member_id: str
    registered_at: datetime
    replayed: bool


class ConsentView(BaseModel):
    channel: Channel
    purpose: Purpose
    granted: bool
    at: datetime | None = None
    source: ConsentSource = Field(
        "request",
        description="Said when joining, on request by you or a person since, or by the link to "
        "unsubscribe in an e-mail",
    )


class MemberView(BaseModel):
    """What the programme knows of a member."""

    id: str
    status: str
    registered_at: datetime
    source: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    card_no: str | None = None
    birthday: str | None = None
    locale: str
    time_zone: str | None = None
    tier: str
    tags: list[str]
    inviter_id: str | None = None
    stop_listed: bool = Field(description="Never told anything, whatever the consents say")
    first_purchase_at: datetime | None = None
    last_purchase_at: datetime | None = None
    purchases: int
    spend_minor: int
    consents: list[ConsentView]


class Expiring(BaseModel):
    at: datetime = Field(description="Exclusive: from this instant on the points are gone")
    points: int


class Opening(BaseModel):
    at: datetime = Field(description="From this instant on the points can be spent")
    points: int


class BalanceView(BaseModel):
    """A member's points at one instant."""

    member_id: str
    available: int = Field(description="What can be spent now")
    posted: int = Field(description="All points, those on hold included")
    held: int
    debt: int = Field(description="Taken back after they were spent; the next earn repays it")
    expiring: list[Expiring] = Field(description="Every coming expiry, soonest first")
    pending: list[Opening] = Field(description="In their return window: not to be spent before")


class LineView(BaseModel):
    seq: int = Field(description="Without gaps: a missing number is a missing line")
    key: str
    kind: str
    at: datetime = Field(description="When the ledger recorded it")
    effective_at: datetime = Field(description="When it happened")
    amount: int
    held_delta: int
    balance: int
    campaign_id: str | None = None


class StatementView(BaseModel):
    lines: list[LineView]
    next: int | None = Field(None, description="`before` of the next page; none = the end")


class ConsentsBody(BaseModel):
    """What a member agrees to be told, per channel and purpose. What is not named stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"consents": [{"channel": "email", "purpose": "marketing", "granted": False}]}
            ]
        },
    )
    consents: list[Consent] = Field(min_length=1, max_length=20)
    reason: Reason | None = Field(None, description="Why, where a person did it for the member")


class ConsentsView(BaseModel):
    consents: list[ConsentView]


@router.post(
    "/v1/members",
    summary="Register a member",
    status_code=201,
    responses=problems("key_reused", write=True) | twice(Registered, "Registered now"),
)
async def register_member(
    body: Registration, given: Given, caller: Annotated[Caller, needs("change_members")]
) -> JSONResponse:
    """Puts a member into the programme. The id is yours, opaque, and stays for ever.

    Campaigns that begin with joining, such as a welcome bonus, begin in the same transaction.
    """
    return recorded(await shared(given, lambda tx: register(tx, body), Wants()))


@router.get("/v1/members/{member_id}", summary="Read a member", responses=problems("unknown"))
def read_member(
    member_id: MemberId, given: Given, caller: Annotated[Caller, needs("read_members")]
) -> MemberView:
    """The member's own data, consents and figures."""
    return MemberView.model_validate(found_member(given, member_id))


@router.patch(
    "/v1/members/{member_id}",
    summary="Change a member's details",
    responses=problems("unknown", "wrong_state", write=True),
)
async def change_member(
    member_id: MemberId,
    body: DetailsChange,
    given: Given,
    caller: Annotated[Caller, needs("change_details")],
) -> MemberView:
    """What is not named stays, and `null` takes it away. Sending the same again changes nothing.

    Tags go with `[]`; `locale` cannot be taken away, as everybody is written to in some language.

    Consents, the stop list and the tier have operations of their own; who invited whom, and when
    somebody joined, stays as it was said.
    """

    def work(tx: Transaction) -> object:
        return change_details(tx, member_id, body, caller.actor)

    await shared(given, work, Wants(members=(member_id,)))
    return MemberView.model_validate(await run_in_threadpool(found_member, given, member_id))


@router.get(
    "/v1/members/{member_id}/balance", summary="Read the balance", responses=problems("unknown")
)
def read_balance(
    member_id: MemberId, given: Given, caller: Annotated[Caller, needs("read_members")]
) -> BalanceView:
    """What the member can spend, what is on hold, and every coming expiry."""

    def look(tx: Transaction) -> Balance:
        member = tx.members.get(member_id)
        if member is None:
            raise Unknown("member", member_id)
        return balance_of(tx, member)

    balance = given.store.read(look)
    return BalanceView(
        member_id=member_id,
        available=balance.available,
        posted=balance.posted,
        held=balance.held,
        debt=balance.debt,
        expiring=[Expiring(at=at, points=points) for at, points in balance.next_expiry],
        pending=[Opening(at=at, points=points) for at, points in balance.pending],
    )


@router.get(
    "/v1/members/{member_id}/statement",
    summary="Read the statement",
    responses=problems("unknown"),
)
def read_statement(
    member_id: MemberId,
    given: Given,
    caller: Annotated[Caller, needs("read_members")],
    before: Before = None,
    limit: PageSize = 50,
) -> StatementView:
    """Every movement of the member's points, newest first; of one who was merged, the survivor's.

    What the old card had stands in it as the merger; its purchases are listed with the survivor's.
    """
    id = found_member(given, member_id)["id"]
    lines = given.reads.statement(id, before=before, limit=limit)
    shown = [LineView.model_validate(line, from_attributes=True) for line in lines]
    return StatementView(lines=shown, next=lines[-1].seq if len(lines) == limit else None)


@router.put(
    "/v1/members/{member_id}/consents",
    summary="Say what a member agrees to",
    responses=problems("unknown", "wrong_state", write=True),
)
async def put_consents(
    member_id: MemberId,
    body: ConsentsBody,
    given: Given,
    caller: Annotated[Caller, needs("set_consents")],
) -> ConsentsView:
    """Takes effect at once, also for messages that are already waiting to be sent."""

    def work(tx: Transaction) -> None:
        consent(tx, member_id, body.consents, caller.actor, body.reason)

    await shared(given, work, Wants(members=(member_id,)))
    stands = await run_in_threadpool(found_member, given, member_id)
    return ConsentsView.model_validate({"consents": stands["consents"]})


def found_member(given: Given, member_id: str) -> Mapping[str, Any]:
    view = given.reads.member_view(member_id)
    if view is None:
        raise Unknown("member", member_id)
    return view
