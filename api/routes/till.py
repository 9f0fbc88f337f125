"""The till: points set aside for a bill, spent on it, or given back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import LongId, recorded, twice
from api.services import Given
from api.sharing import shared
from loyalty.errors import Unknown
from loyalty.ports import Transaction
from loyalty.till.flow import confirm, hold_wants, place, place_wants, release
from loyalty.till.give_back import return_points
from loyalty.till.hold import Status, hold_answer
from loyalty.till.requests import HoldConfirm, HoldRelease, HoldRequest, HoldReturn

router = APIRouter(tags=["Till"])


class HoldView(BaseModel):
    """Points set aside for one bill."""

    hold_id: str
    member_id: str
    status: Status
    points: int
    worth_minor: int = Field(description="What they pay of the bill")
    bill_minor: int = Field(description="What of the bill points may pay for")
    expires_at: datetime = Field(description="From then on the points are free again")
    confirmed_points: int
    confirmed_minor: int = Field(description="`paid_with_points_minor` of the purchase")
    purchase_source: str | None
    purchase_id: str | None
    returned_points: int
    replayed: bool


class ReturnView(BaseModel):
    """What came back of a bill that was paid partly with points."""

    hold_id: str
    amount_minor: int
    cash_minor: int = Field(description="To be paid out: without the share paid with points")
    points_returned: int
    points_lapsed: int = Field(
        description="Of these: of no use, as their lots are over or the member was erased"
    )
    transaction: str | None
    replayed: bool


_REFUSED = ("bill_too_small", "too_many_points", "not_enough_points", "key_reused", "wrong_state")


@router.post(
    "/v1/till/holds",
    summary="Set points aside for a bill",
    status_code=201,
    responses=problems("unknown", *_REFUSED, write=True)
    | twice(HoldView, "The points are set aside"),
)
async def place_hold(
    body: HoldRequest, given: Given, caller: Annotated[Caller, needs("redeem")]
) -> JSONResponse:
    """By member id, card or phone number. Confirm it when the rest is paid, or release it.

    A hold that nobody confirms in time gives its points back by itself.
    """
    wants = partial(place_wants, request=body)
    return recorded(await shared(given, lambda tx: place(tx, body), wants))


@router.post(
    "/v1/till/holds/{hold_id:path}/confirm",
    summary="Spend the points of a hold",
    responses=problems("unknown", *_REFUSED, "hold_closed", write=True),
)
async def confirm_hold(
    hold_id: LongId,
    body: HoldConfirm,
    given: Given,
    caller: Annotated[Caller, needs("redeem")],
) -> HoldView:
    """Names the purchase. Then record the purchase with `paid_with_points_minor`.

    Fewer points when the bill shrank; the others are free again. Twice changes nothing.
    """
    return await _held(given, hold_id, lambda tx: confirm(tx, hold_id, body))


@router.post(
    "/v1/till/holds/{hold_id:path}/release",
    summary="Give a hold back",
    responses=problems("unknown", "wrong_state", "hold_closed", write=True),
)
async def release_hold(
    hold_id: LongId,
    given: Given,
    caller: Annotated[Caller, needs("redeem")],
    body: HoldRelease = HoldRelease(),  # noqa: B008 - frozen, the same for everybody
) -> HoldView:
    """The points are free again. Twice changes nothing. No body: the member cancelled."""
    return await _held(given, hold_id, lambda tx: release(tx, hold_id, body))


@router.post(
    "/v1/till/holds/{hold_id:path}/return",
    summary="Return the points of a bill",
    status_code=201,
    responses=problems("unknown", "key_reused", "wrong_state", write=True)
    | twice(ReturnView, "The points are back"),
)
async def return_hold(
    hold_id: LongId,
    body: HoldReturn,
    given: Given,
    caller: Annotated[Caller, needs("redeem")],
) -> JSONResponse:
    """All, or the share of what came back; to the same lots with the same expiry.

    Only for purchases that are not recorded here: a recorded one returns its points with its
    refund.
    """
    wants = partial(hold_wants, hold_id=hold_id)
    return recorded(await shared(given, lambda tx: return_points(tx, hold_id, body), wants))


@router.get("/v1/till/holds/{hold_id:path}", summary="Read a hold", responses=problems("unknown"))
def read_hold(
    hold_id: LongId, given: Given, caller: Annotated[Caller, needs("read_members")]
) -> HoldView:
    """How it stands; past its deadline a hold reads as expired."""

    def look(tx: Transaction) -> HoldView:
        found = tx.till.get(hold_id)
        if found is None:
            raise Unknown("hold", hold_id)
        answer = hold_answer(found, found.status_at(tx.now), replayed=False)
        return HoldView.model_validate(answer)

    return given.store.read(look)


async def _held(
    given: Given, hold_id: str, act: Callable[[Transaction], Mapping[str, Any]]
) -> HoldView:
    wants = partial(hold_wants, hold_id=hold_id)
    return HoldView.model_validate(await shared(given, act, wants))
