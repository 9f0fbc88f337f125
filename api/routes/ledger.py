"""One movement of points: what moved, when, and the working it came from."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import LongId
from api.services import Given
from loyalty.errors import Unknown

router = APIRouter(tags=["Points"])


class EntryView(BaseModel):
    """What moved from `contra` to one account: every entry names both of its sides."""

    account_id: str
    seq: int = Field(description="Its place among the account's entries, without a gap")
    contra: str = Field(description="issuance, redemption, breakage, transfer; none for a hold")
    amount: int
    held_delta: int
    balance: int = Field(description="What the account has after it")
    chain: str = Field(description="The account's receipt after it: a hash over all its entries")


class MoveView(BaseModel):
    """What went into a lot, or came out of it."""

    member_id: str
    expires_at: datetime
    available_at: datetime
    source: str
    amount: int
    held_delta: int


class TransactionView(BaseModel):
    """A ledger transaction. It is never changed: what corrects it is a transaction of its own."""

    id: int = Field(description="Its place in the log, from 1")
    key: str
    kind: str
    member_id: str
    other_id: str | None = Field(description="A transfer: who received")
    points: int
    at: datetime = Field(description="When the ledger recorded it")
    effective_at: datetime = Field(description="When it happened")
    reverses: int | None = Field(description="The transaction it takes back, by number")
    hold_id: str | None
    campaign_id: str | None
    meta: dict[str, Any] = Field(description="The working: `breakdown`, reasons, ids")
    balance_after: int
    available_after: int
    shortfall: int = Field(description="The part of a reversal that was forgiven")
    debt_change: int = Field(description="What was added to the debt; below zero: repaid")
    lapsed: int = Field(description="What was given back to lots that were over by then")
    leaf: str = Field(description="Its hash in the log")
    entries: list[EntryView]
    moves: list[MoveView]


@router.get(
    "/v1/transactions/{key:path}",
    summary="Read a ledger transaction",
    responses=problems("unknown"),
)
def read_transaction(
    key: LongId, given: Given, caller: Annotated[Caller, needs("read_ledger")]
) -> TransactionView:
    """With the breakdown that says why it moved just so many points."""
    found = given.reads.transaction(key)
    if found is None:
        raise Unknown("transaction", key)
    return TransactionView.model_validate(dict(found))
