"""What a member's pages show, asked of the same reads as the API's routes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from api.console.forms import whole
from api.reads import MemberLists, View
from api.routes.ledger import paper_of, slip_row
from api.routes.tiers import TierView, tier_view
from api.services import Services
from loyalty.earning.breakdown import Breakdown
from loyalty.errors import Unknown
from loyalty.expiry import balance_to_show
from loyalty.ledger import Balance, StatementLine
from loyalty.ports import Transaction
from loyalty.slips.earned import earned

Section = Literal["statement", "purchases", "runs", "messages", "gifts", "holds", "corrections"]
SECTIONS: tuple[Section, ...] = get_args(Section)
FEW = 6
"""Rows of each list on the overview."""
PAGE = 25


def member_of(services: Services, id: str) -> View:
    """The member, of one merged the survivor; raises Unknown."""
    found = services.reads.member_view(id)
    if found is None:
        raise Unknown("member", id)
    return found


def overview(services: Services, id: str, language: str) -> dict[str, Any]:
    """Everything that stands on the first page: points, tier, and the latest of each list."""
    lists = services.reads.of_member
    few: dict[str, Any] = {"after": "", "limit": FEW}
    balance, tier = services.store.read(lambda tx: _standing(tx, id))
    return {
        "balance": balance,
        "tier": tier,
        "statement": statement(services, id, language, limit=FEW),
        "receipts": lists.receipts(id, before=None, limit=FEW),
        "runs": lists.runs(id, **few),
        "messages": lists.messages(id, **few),
        "cards": lists.cards(id, **few),
        "coupons": lists.coupons(id, **few),
        "claims": lists.claims(id, **few),
        "till_holds": lists.till_holds(id, **few),
        "adjustments": lists.adjustments(id, **few),
        "moves": lists.moves(id, limit=FEW),
    }


def _standing(tx: Transaction, id: str) -> tuple[Balance, TierView]:
    member = tx.members.get(id)
    if member is None:
        raise Unknown("member", id)
    return balance_to_show(tx, member), tier_view(tx, id)


def section(
    services: Services, id: str, name: Section, language: str, after: str
) -> dict[str, Any]:
    """One list, a page of it; `next` is `after` of the following page."""
    lists = services.reads.of_member
    typed = whole(after)
    number = typed if isinstance(typed, int) else None
    if name == "statement":
        lines = statement(services, id, language, limit=PAGE, before=number)
        return {"statement": lines, "next": _next(lines, lambda pair: pair[0].seq)}
    if name == "purchases":
        receipts = lists.receipts(id, before=number, limit=PAGE)
        return {"receipts": receipts, "next": _next(receipts, lambda row: row["seq"])}
    return _others(lists, id, name, {"after": after, "limit": PAGE})


def _others(lists: MemberLists, id: str, name: Section, page: Mapping[str, Any]) -> dict[str, Any]:
    if name == "runs":
        runs = lists.runs(id, **page)
        return {"runs": runs, "next": _next(runs, lambda row: row["id"])}
    if name == "messages":
        messages = lists.messages(id, **page)
        return {"messages": messages, "next": _next(messages, lambda row: row["key"])}
    most: dict[str, Any] = {"after": "", "limit": 100}
    if name == "gifts":
        return {"cards": lists.cards(id, **most), "coupons": lists.coupons(id, **most)}
    if name == "holds":
        return {"claims": lists.claims(id, **most), "till_holds": lists.till_holds(id, **most)}
    return {"adjustments": lists.adjustments(id, **most), "moves": lists.moves(id, limit=100)}


def statement(
    services: Services, id: str, language: str, *, limit: int, before: int | None = None
) -> list[tuple[StatementLine, Sequence[Any]]]:
    """Lines, each with the working it came from, in words; none where nothing was worked out."""
    paper = paper_of(services, language)
    lines = services.reads.statement(id, before=before, limit=limit)
    return [
        (line, [slip_row(row) for row in earned(paper, Breakdown.from_json(made))] if made else [])
        for line in lines
        for made in [line.meta.get("breakdown")]
    ]


def _next(rows: Sequence[Any], key: Callable[[Any], Any]) -> str | None:
    return str(key(rows[-1])) if len(rows) == PAGE else None
