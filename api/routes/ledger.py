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
    """One leg: what moved on one account. The legs of a transaction sum to zero."""

    account_id: str
    seq: int
    amount: int
    held_delta: int
    balance: int


class TransactionView(BaseModel):
    """A ledger transaction. It is never changed: what corrects it is a transaction of its own."""

    key: str
    kind: str
    at: datetime = Field(description="When the ledger recorded it")
    effective_at: datetime = Field(description="When it happened")
    reverses: int | None = Field(description="The transaction it takes back, by number")
    hold_id: str | None
    campaign_id: str | None
    meta: dict[str, Any] = Field(description="The working: `breakdown`, reasons, ids")
    answer: dict[str, Any] = Field(description="What whoever asked for it was told, lots included")
    entries: list[EntryView]


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
