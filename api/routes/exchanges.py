"""Exchanges: a member takes an offer for points; the shop confirms, or gives it back."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import LongId, recorded, twice
from api.services import Given
from api.waiting import answer_of
from loyalty.errors import LoyaltyError, Unknown
from loyalty.exchange import claim_wants, confirm, release, reserve
from loyalty.offers import ClaimRelease, ClaimRequest, claim_answer
from loyalty.ports import Transaction
from loyalty.refused_claim import ClaimRefusal

router = APIRouter(tags=["Exchanges"])


class ClaimView(BaseModel):
    """One member's order of an offer."""

    claim_id: str
    offer_id: str
    request_id: str
    member_id: str
    quantity: int
    points: int
    status: Literal["reserved", "confirmed", "released", "expired"]
    reserved_at: datetime
    expires_at: datetime
    replayed: bool


class RefusedClaimView(BaseModel):
    """A claim that took nothing. The same request may come again, and may succeed."""

    offer_id: str
    request_id: str
    quantity: int
    reason: ClaimRefusal
    at: datetime
    facts: dict[str, Any] = Field(description="The figures that were answered")


class ClaimsView(BaseModel):
    claims: list[ClaimView]
    refused: list[RefusedClaimView] = Field(
        description="Claims that took nothing, newest first: of each offer and reason the last"
    )


_CLOSED = (
    "offer_not_open", "not_eligible", "sold_out", "limit_reached", "not_enough_points",
    "wrong_state",
)  # fmt: skip


@router.post(
    "/v1/exchanges",
    summary="Claim an offer",
    status_code=201,
    responses=problems("unknown", "key_reused", *_CLOSED, write=True)
    | twice(ClaimView, "Stock and points are set aside"),
)
async def claim(
    body: ClaimRequest, given: Given, caller: Annotated[Caller, needs("redeem")]
) -> JSONResponse:
    """Sets stock and points aside for a short while, or takes nothing at all.

    Confirm when the member has the goods; release when something went wrong. A claim that nobody
    confirms in time gives both back by itself.
    """
    answer = await answer_of(given.store.submit(lambda tx: reserve(tx, body), claim_wants(body)))
    if isinstance(answer, LoyaltyError):
        raise answer
    return recorded(answer)


@router.get("/v1/exchanges", summary="List a member's claims", responses=problems("unknown"))
def list_claims(
    given: Given,
    caller: Annotated[Caller, needs("read_members")],
    member_id: Annotated[str, Query(min_length=1, max_length=64)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ClaimsView:
    """Newest first."""

    def look(tx: Transaction) -> tuple[str, list[dict[str, Any]]]:
        member = tx.members.get(member_id)
        if member is None:
            raise Unknown("member", member_id)
        claims = tx.offers.claims_of(member.id, limit)
        return member.id, [
            claim_answer(each, each.status_at(tx.now), replayed=False) for each in claims
        ]

    id, claims = given.store.read(look)
    refused = given.reads.of_member.refused_claims(id, after="", limit=limit)
    return ClaimsView.model_validate({"claims": claims, "refused": [dict(row) for row in refused]})


@router.post(
    "/v1/exchanges/{claim_id:path}/confirm",
    summary="Confirm a claim",
    responses=problems("unknown", "wrong_state", "hold_closed"),
)
def confirm_claim(
    claim_id: LongId, given: Given, caller: Annotated[Caller, needs("redeem")]
) -> ClaimView:
    """The goods are handed over: the points are spent. Confirming twice changes nothing."""
    return ClaimView.model_validate(given.store.run(lambda tx: confirm(tx, claim_id)))


@router.post(
    "/v1/exchanges/{claim_id:path}/release",
    summary="Give a claim back",
    responses=problems("unknown", "wrong_state", "hold_closed", write=True),
)
def release_claim(
    claim_id: LongId,
    given: Given,
    caller: Annotated[Caller, needs("redeem")],
    body: ClaimRelease,
) -> ClaimView:
    """Stock, limit and points go back. Releasing twice changes nothing."""
    answer = given.store.run(lambda tx: release(tx, claim_id, body.fault, body.reason))
    return ClaimView.model_validate(answer)


@router.get("/v1/exchanges/{claim_id:path}", summary="Read a claim", responses=problems("unknown"))
def read_claim(
    claim_id: LongId, given: Given, caller: Annotated[Caller, needs("read_members")]
) -> ClaimView:
    """How the claim stands; a reservation past its time reads as expired."""

    def look(tx: Transaction) -> ClaimView:
        found = tx.offers.claim(claim_id)
        if found is None:
            raise Unknown("claim", claim_id)
        answer = claim_answer(found, found.status_at(tx.now), replayed=False)
        return ClaimView.model_validate(answer)

    return given.store.read(look)
