"""One movement of points: what moved, when, and the working it came from."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.problems import locale_of
from api.recording import LongId
from api.services import Given
from loyalty.errors import Unknown
from loyalty.slips.paper import Grid, Paper, Row, Rule
from loyalty.slips.slip import slip
from loyalty.slips.words import WORDS

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
    meta: dict[str, Any] = Field(
        description="The working: `breakdown`, of a return that of what is `kept`, reasons, ids"
    )
    balance_after: int
    available_after: int
    shortfall: int = Field(description="The part of a reversal that was forgiven")
    debt_change: int = Field(description="What was added to the debt; below zero: repaid")
    lapsed: int = Field(
        description="Of a spending undone: given back to lots that were over by then. "
        "Of an earning undone: had lapsed by then, and nothing else was taken for it"
    )
    leaf: str = Field(description="Its hash in the log")
    entries: list[EntryView]
    moves: list[MoveView]


class SlipRow(BaseModel):
    """One piece of a slip: a line, a rule with what it did, or a table of the receipt's lines."""

    kind: Literal["title", "key", "head", "item", "sum", "rule", "grid"]
    text: str | None = None
    rule: str | None = Field(None, description="A rule's id; `text` says what it did or why not")
    more: str | None = None
    columns: list[str] | None = None
    rows: list[list[str]] | None = None


class SlipView(BaseModel):
    """A movement of points as a clerk reads it out."""

    key: str
    language: Literal["en", "zh"]
    rows: list[SlipRow]


@router.get(
    "/v1/transactions/{key:path}/slip",
    summary="Read a movement of points in words, at its former address",
    deprecated=True,
    responses=problems("unknown"),
)
def read_slip_or_transaction(
    request: Request,
    key: LongId,
    given: Given,
    caller: Annotated[Caller, needs("read_ledger")],
) -> SlipView | TransactionView:
    """Use `/v1/slips/{key}`. An id may end in `/slip`: of such a key it is the transaction."""
    found = given.reads.transaction(f"{key}/slip")
    if found is not None:
        return TransactionView.model_validate(dict(found))
    return read_slip(request, key, given, caller)


@router.get(
    "/v1/slips/{key:path}",
    summary="Read a movement of points in words",
    responses=problems("unknown"),
)
def read_slip(
    request: Request,
    key: LongId,
    given: Given,
    caller: Annotated[Caller, needs("read_ledger")],
) -> SlipView:
    """Every rule and figure, every limit, what did not apply and why, the lots and their expiry.

    `Accept-Language: zh` or `en` chooses the language.
    """
    found = given.reads.slip(key)
    if found is None:
        raise Unknown("transaction", key)
    locale = locale_of(request)
    rows = [slip_row(row) for row in slip(paper_of(given, locale), found)]
    return SlipView(key=key, language="zh" if locale == "zh" else "en", rows=rows)


def paper_of(given: Given, locale: str) -> Paper:
    """What slips are written on for a reader of this language."""
    return Paper(WORDS[locale], given.programme.currency, given.programme.tz)


def slip_row(row: Row) -> SlipRow:
    if isinstance(row, Rule):
        return SlipRow(kind="rule", rule=row.rule, text=row.said, more=row.more or None)
    if isinstance(row, Grid):
        return SlipRow(
            kind="grid", columns=list(row.columns), rows=[list(cells) for cells in row.rows]
        )
    return SlipRow(kind=row.kind, text=row.text)


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
