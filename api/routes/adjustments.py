"""Corrections that wait for a second person: looked through, approved elsewhere, declined here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import After, PageSize, recorded, twice
from api.routes.member_moves import AdjustmentId, AdjustmentView
from api.routes.messages import ReasonBody
from api.services import Given
from loyalty import adjustments
from loyalty.errors import Unknown
from loyalty.member_moves import AdjustmentStatus

router = APIRouter(tags=["Members"])


class AdjustmentRow(BaseModel):
    """One correction and what became of it."""

    id: str
    member_id: str
    points: int
    reason: str
    status: AdjustmentStatus
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    declined_by: str | None = None
    declined_at: datetime | None = None
    decline_reason: str | None = None


class AdjustmentsView(BaseModel):
    adjustments: list[AdjustmentRow]
    next: str | None = Field(None, description="`after` of the next page; none = the end")


class EffectView(BaseModel):
    """What approving would do to what the member can spend, as things stand."""

    available: int
    available_after: int
    debt_after: int
    enough: bool = Field(description="false: it would be refused, the member has too few points")


class AdjustmentToCheck(AdjustmentRow):
    effect: EffectView | None = Field(None, description="Only while it is proposed")


@router.get("/v1/adjustments", summary="List corrections", responses=problems())
def list_adjustments(
    given: Given,
    caller: Annotated[Caller, needs("adjust")],
    state: Annotated[AdjustmentStatus | None, Query(description="none = all")] = None,
    after: After = "",
    limit: PageSize = 50,
) -> AdjustmentsView:
    """Newest first; `state=proposed` is the queue of what waits for a second person."""
    rows = given.reads.adjustments(status=state, after=after, limit=limit)
    shown = [AdjustmentRow.model_validate(dict(row)) for row in rows]
    return AdjustmentsView(adjustments=shown, next=shown[-1].id if len(shown) == limit else None)


@router.get(
    "/v1/adjustments/{adjustment_id}", summary="Read a correction", responses=problems("unknown")
)
def read_adjustment(
    adjustment_id: AdjustmentId, given: Given, caller: Annotated[Caller, needs("adjust")]
) -> AdjustmentToCheck:
    """With what it would do to the balance, for whoever decides on it."""
    return AdjustmentToCheck.model_validate(dict(to_check(given, adjustment_id)))


def to_check(given: Given, adjustment_id: str) -> Mapping[str, Any]:
    """A correction with its effect on the balance while that is still open; raises Unknown."""
    row = given.reads.adjustment(adjustment_id)
    if row is None:
        raise Unknown("adjustment", adjustment_id)
    if row["status"] != "proposed":
        return row
    return {**row, "effect": effect_on(given, row["member_id"], row["points"])}


def effect_on(given: Given, member_id: str, points: int) -> dict[str, Any]:
    balance = given.store.read(lambda tx: tx.ledger.balance(member_id))
    found = adjustments.effect(balance, points)
    return {name: getattr(found, name) for name in EffectView.model_fields}


@router.post(
    "/v1/adjustments/{adjustment_id}/decline",
    summary="Decline a correction",
    status_code=201,
    responses=problems("unknown", "second_person_needed", "wrong_state", write=True)
    | twice(AdjustmentView, "Declined now"),
)
def decline_adjustment(
    adjustment_id: AdjustmentId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("adjust")],
) -> JSONResponse:
    """No point moves. The person who proposed it may not."""
    return recorded(
        given.store.run(
            lambda tx: adjustments.decline(tx, adjustment_id, body.reason, caller.actor)
        )
    )
