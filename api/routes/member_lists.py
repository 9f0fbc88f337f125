"""What one member has, did and was told: a page of each list at a time, newest first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel

from api.errors import problems
from api.keys import Caller, needs
from api.recording import After, Before, MemberId, PageSize
from api.routes.adjustments import AdjustmentRow
from api.routes.member_rows import (
    CardView,
    CouponView,
    MemberClaim,
    MemberHold,
    MemberMessage,
    MemberRun,
    MoveView,
    Receipts,
    ReceiptView,
)
from api.routes.members import found_member
from api.services import Given

router = APIRouter(tags=["Members"])

Row = TypeVar("Row", bound=BaseModel)


class Page(BaseModel, Generic[Row]):
    """Rows of one list. `next` is `after` of the following page; none = the end."""

    rows: list[Row]
    next: str | None = None


Reader = Annotated[Caller, needs("read_members")]
_UNKNOWN = problems("unknown")
_AT = "/v1/members/{member_id}"


@router.get(f"{_AT}/runs", summary="List a member's runs", responses=_UNKNOWN)
def list_runs(
    member_id: MemberId,
    given: Given,
    caller: Annotated[Caller, needs("read_runs")],
    after: After = "",
    limit: PageSize = 50,
) -> Page[MemberRun]:
    """Every journey, past and present."""
    rows = _of(given, member_id, given.reads.of_member.runs, after, limit)
    return _page(Page[MemberRun], rows, "id", limit)


@router.get(f"{_AT}/cards", summary="List a member's cards", responses=_UNKNOWN)
def list_cards(
    member_id: MemberId, given: Given, caller: Reader, after: After = "", limit: PageSize = 50
) -> Page[CardView]:
    """Personal multipliers, also those that are over."""
    rows = _of(given, member_id, given.reads.of_member.cards, after, limit)
    return _page(Page[CardView], rows, "key", limit)


@router.get(f"{_AT}/coupons", summary="List a member's coupons", responses=_UNKNOWN)
def list_coupons(
    member_id: MemberId, given: Given, caller: Reader, after: After = "", limit: PageSize = 50
) -> Page[CouponView]:
    """Given by campaigns, used or not."""
    rows = _of(given, member_id, given.reads.of_member.coupons, after, limit)
    return _page(Page[CouponView], rows, "key", limit)


@router.get(f"{_AT}/purchases", summary="List purchases and refunds", responses=_UNKNOWN)
def list_purchases(
    member_id: MemberId,
    given: Given,
    caller: Reader,
    before: Before = None,
    limit: PageSize = 50,
) -> Receipts:
    """As they were recorded, each with what the ledger made of it."""
    id = found_member(given, member_id)["id"]
    rows = given.reads.of_member.receipts(id, before=before, limit=limit)
    shown = [ReceiptView.model_validate(dict(row)) for row in rows]
    return Receipts(rows=shown, next=shown[-1].seq if len(shown) == limit else None)


@router.get(f"{_AT}/messages", summary="List a member's messages", responses=_UNKNOWN)
def list_messages(
    member_id: MemberId,
    given: Given,
    caller: Annotated[Caller, needs("read_messages")],
    after: After = "",
    limit: PageSize = 50,
) -> Page[MemberMessage]:
    """With every verdict of the contact gate; without text and address."""
    rows = _of(given, member_id, given.reads.of_member.messages, after, limit)
    return _page(Page[MemberMessage], rows, "key", limit)


@router.get(f"{_AT}/claims", summary="List a member's exchange claims", responses=_UNKNOWN)
def list_claims(
    member_id: MemberId, given: Given, caller: Reader, after: After = "", limit: PageSize = 50
) -> Page[MemberClaim]:
    """Open and settled."""
    rows = _of(given, member_id, given.reads.of_member.claims, after, limit)
    return _page(Page[MemberClaim], rows, "id", limit)


@router.get(f"{_AT}/till-holds", summary="List points held at tills", responses=_UNKNOWN)
def list_till_holds(
    member_id: MemberId, given: Given, caller: Reader, after: After = "", limit: PageSize = 50
) -> Page[MemberHold]:
    """Open and settled."""
    rows = _of(given, member_id, given.reads.of_member.till_holds, after, limit)
    return _page(Page[MemberHold], rows, "id", limit)


@router.get(f"{_AT}/adjustments", summary="List a member's corrections", responses=_UNKNOWN)
def list_adjustments(
    member_id: MemberId,
    given: Given,
    caller: Annotated[Caller, needs("adjust")],
    after: After = "",
    limit: PageSize = 50,
) -> Page[AdjustmentRow]:
    """Proposed, approved and declined."""
    rows = _of(given, member_id, given.reads.of_member.adjustments, after, limit)
    return _page(Page[AdjustmentRow], rows, "id", limit)


@router.get(f"{_AT}/moves", summary="List mergers and gifts", responses=_UNKNOWN)
def list_moves(
    member_id: MemberId, given: Given, caller: Reader, after: After = "", limit: PageSize = 50
) -> Page[MoveView]:
    """Mergers, gifts and an erasure that the member had a part in."""
    rows = _of(given, member_id, given.reads.of_member.moves, after, limit)
    return _page(Page[MoveView], rows, "key", limit)


def _of(
    given: Given,
    member_id: str,
    read: Callable[..., Sequence[Mapping[str, Any]]],
    after: str,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """A list of the member; of one who was merged, that of who lives on."""
    return read(found_member(given, member_id)["id"], after=after, limit=limit)


def _page(
    page: type[Page[Row]], rows: Sequence[Mapping[str, Any]], key: str, limit: int
) -> Page[Row]:
    last = rows[-1][key] if len(rows) == limit else None
    return page.model_validate({"rows": [dict(row) for row in rows], "next": last})
