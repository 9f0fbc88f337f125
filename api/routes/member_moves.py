"""Members merged, erased, given points by each other, and corrected by two people."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import MemberId, recorded, twice
from api.services import Given
from api.sharing import shared
from loyalty import adjustments, erasure, gifting, merging
from loyalty.ports import Wants
from loyalty.registration import MEMBER_ID

router = APIRouter(tags=["Members"])

OtherId = Annotated[str, Path(pattern=MEMBER_ID, description="The member who lives on")]
AdjustmentId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$", description="The proposal's id")
]


class Moved(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str
    replayed: bool


class Merged(Moved):
    """Two members are one: the old id means the new one from now on."""

    member_id: str
    into: str
    points: int = Field(description="Gone over, each with its own expiry")
    debt: int = Field(description="Gone over as well; points that are there pay it at once")
    reversed_points: int
    tier: str = Field(description="The higher of the two")


class GiftView(Moved):
    """Points changed hands, with their expiry."""

    to: str
    points: int
    transaction: str
    available: int = Field(description="What the giver can still spend")


class Erased(Moved):
    """The person is forgotten; the id and the figures stay."""

    member_id: str
    forfeited_points: int


class AdjustmentView(Moved):
    """A correction: proposed by one key, posted when another approves it."""

    member_id: str
    points: int
    reason: str
    status: str = Field(description="proposed, approved or declined")
    proposed_by: str
    proposed_at: datetime | None = None
    approved_by: str | None = None
    declined_by: str | None = None
    decline_reason: str | None = None
    transaction: str | None = Field(None, description="Key of the posting, once approved")


@router.post(
    "/v1/members/{member_id}/merge-into/{other_id}",
    summary="Merge a member into another",
    status_code=201,
    responses=problems("unknown", "wrong_state", "key_reused", "reversal_too_large", write=True)
    | twice(Merged, "Merged now"),
)
def merge_member(
    member_id: MemberId,
    other_id: OtherId,
    body: merging.Merger,
    given: Given,
    caller: Annotated[Caller, needs("merge_members")],
) -> JSONResponse:
    """Points, pending points, debt, caps and figures go to the other member; the higher tier stays.

    Purchases and questions for the old id go to the survivor. Confirm or release holds first.
    """
    return recorded(
        given.store.run(lambda tx: merging.merge(tx, member_id, other_id, body, caller.actor))
    )


@router.post(
    "/v1/members/{member_id}/gifts",
    summary="Give points to another member",
    status_code=201,
    responses=problems(
        "unknown", "wrong_state", "key_reused", "gift_refused", "not_enough_points", write=True
    )
    | twice(GiftView, "Given now"),
)
async def give_points(
    member_id: MemberId,
    body: gifting.Gift,
    given: Given,
    caller: Annotated[Caller, needs("gift")],
) -> JSONResponse:
    """Points keep their expiry. There is a limit a month for giver and receiver."""
    wants = gifting.gift_wants(member_id, body)
    return recorded(await shared(given, lambda tx: gifting.give(tx, member_id, body), wants))


@router.post(
    "/v1/members/{member_id}/erase",
    summary="Erase a member",
    status_code=201,
    responses=problems("unknown", "wrong_state", "key_reused", write=True)
    | twice(Erased, "Erased now"),
)
def erase_member(
    member_id: MemberId,
    body: erasure.Erasure,
    given: Given,
    caller: Annotated[Caller, needs("erase_members")],
) -> JSONResponse:
    """Cannot be undone. The balance is forfeited; name, contact, consents and texts are cleared."""
    return recorded(given.store.run(lambda tx: erasure.erase(tx, member_id, body, caller.actor)))


@router.post(
    "/v1/members/{member_id}/adjustments",
    summary="Propose a correction",
    status_code=201,
    responses=problems("unknown", "key_reused", "wrong_state", write=True)
    | twice(AdjustmentView, "Proposed now"),
)
async def propose_adjustment(
    member_id: MemberId,
    body: adjustments.Proposal,
    given: Given,
    caller: Annotated[Caller, needs("adjust")],
) -> JSONResponse:
    """Nothing is posted until another key approves it."""
    work = partial(adjustments.propose, member_id=member_id, proposal=body, actor=caller.actor)
    return recorded(await shared(given, work, Wants(members=(member_id,))))


@router.post(
    "/v1/adjustments/{adjustment_id}/approve",
    summary="Approve a correction",
    status_code=201,
    responses=problems("unknown", "second_person_needed", "not_enough_points", "wrong_state")
    | twice(AdjustmentView, "Posted now"),
)
async def approve_adjustment(
    adjustment_id: AdjustmentId,
    given: Given,
    caller: Annotated[Caller, needs("adjust")],
) -> JSONResponse:
    """Posts it, once. The key that proposed it may not."""
    work = partial(adjustments.approve, adjustment_id=adjustment_id, actor=caller.actor)
    wants = partial(adjustments.approval_wants, adjustment_id=adjustment_id)
    return recorded(await shared(given, work, wants))
