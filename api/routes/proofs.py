"""The ledger's log as evidence: its signed head, and short proofs that lead to it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.services import Given
from loyalty.errors import Unknown

router = APIRouter(tags=["Proofs"])

LARGEST = 2**62
"""More transactions than a log can count."""


class CheckpointView(BaseModel):
    """What the log was when it was signed last."""

    size: int = Field(description="Transactions in it")
    root: str = Field(description="The hash over all of them, hex")
    at: datetime
    note: str = Field(description="The C2SP checkpoint: keep it, byte for byte")


class InclusionView(BaseModel):
    """That a transaction is in the log, by RFC 9162. Hashes are hex."""

    key: str
    sealed: str = Field(description="Its canonical bytes (UTF-8): `leaf` is SHA-256(0x00, these)")
    leaf: str
    index: int = Field(description="Its place in the log, from 0")
    size: int = Field(description="Of the log that `root` is of")
    root: str
    proof: list[str] = Field(description="From the leaf up")
    checkpoint: str | None = Field(
        description="The signed note of `size` and `root`; none = no checkpoint covers it yet"
    )


class ConsistencyView(BaseModel):
    """That the log only grew between two sizes, by RFC 9162. Hashes are hex."""

    from_size: int
    from_root: str
    from_checkpoint: str | None = Field(description="The note of that size, where one was signed")
    to_size: int
    to_root: str
    to_checkpoint: str | None
    proof: list[str]


@router.get(
    "/v1/log/checkpoint",
    summary="Read the latest checkpoint",
    responses=problems("unknown"),
    response_model=CheckpointView,
)
def read_checkpoint(
    request: Request, given: Given, caller: Annotated[Caller, needs("read_ledger")]
) -> CheckpointView | PlainTextResponse:
    """As JSON, or with `Accept: text/plain` the signed note alone, for tools that read it."""
    found = given.reads.proofs.checkpoint()
    if found is None:
        raise Unknown("checkpoint", "latest")
    if "text/plain" in request.headers.get("accept", ""):
        return PlainTextResponse(found["note"])
    return CheckpointView.model_validate(dict(found))


@router.get(
    "/v1/log/proofs/inclusion",
    summary="Prove that a transaction is in the log",
    responses=problems("unknown"),
)
def read_inclusion(
    key: Annotated[str, Query(min_length=1, max_length=255, description="The transaction's key")],
    given: Given,
    caller: Annotated[Caller, needs("read_ledger")],
) -> InclusionView:
    """The transaction as it was sealed, and the way from it to a signed root."""
    found = given.reads.proofs.inclusion(key)
    if found is None:
        raise Unknown("transaction", key)
    return InclusionView.model_validate(dict(found))


@router.get(
    "/v1/log/proofs/consistency",
    summary="Prove that the log only grew",
    responses=problems(),
)
def read_consistency(
    given: Given,
    caller: Annotated[Caller, needs("read_ledger")],
    from_size: Annotated[
        int, Query(alias="from", ge=0, le=LARGEST, description="Size of the older checkpoint")
    ],
    to_size: Annotated[
        int | None,
        Query(alias="to", ge=0, le=LARGEST, description="Unset: the latest checkpoint's"),
    ] = None,
) -> ConsistencyView:
    """That nothing in the older log was changed, taken out or put between."""
    return ConsistencyView.model_validate(dict(given.reads.proofs.consistency(from_size, to_size)))
