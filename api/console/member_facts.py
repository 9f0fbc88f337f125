"""What a member's pages show, asked of the same reads as the API's routes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from api.console.forms import whole
from api.reads import View
from api.routes.ledger import paper_of, slip_row
from api.routes.tiers import TierView, tier_view
from api.services import Services
from loyalty.coming_expiry import balance_of
from loyalty.earning.breakdown import Breakdown
from loyalty.errors import Unknown
from loyalty.ledger import Balance, StatementLine
from loyalty.ports import Transaction
from loyalty.slips.earned import earned

Section = Literal["statement", "purchases", "runs", "messages", "gifts", "holds", "corrections"]
SECTIONS: tuple[Section, ...] = get_args(Section)
FEW = 6
"""Rows of each list on the overview."""
PAGE = 25
LISTS: dict[Section, tuple[str, ...]] = {
    "statement": ("statement",),
    "purchases": ("receipts",),
    "runs": ("runs",),
    "messages": ("messages",),
    "gifts": ("cards", "coupons"),
    "holds": ("till_holds", "claims", "refused_claims"),
    "corrections": ("adjustments", "moves"),
}
KEYS: dict[str, Callable[[Any], Any]] = {
    "statement": lambda row: row[0].seq,
    "receipts": lambda row: row["seq"],
    **dict.fromkeys(
        ("cards", "coupons", "messages", "moves", "refused_claims"), lambda row: row["key"]
    ),
    **dict.fromkeys(("runs", "till_holds", "claims", "adjustments"), lambda row: row["id"]),
}
"""What a row is known by to the page after it."""


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
        "refused_claims": lists.refused_claims(id, **few),
        "till_holds": lists.till_holds(id, **few),
        "adjustments": lists.adjustments(id, **few),
        "moves": lists.moves(id, **few),
    }


def _standing(tx: Transaction, id: str) -> tuple[Balance, TierView]:
    member = tx.members.get(id)
    if member is None:
        raise Unknown("member", id)
    return balance_of(tx, member), tier_view(tx, id)


def section(
    services: Services, id: str, name: Section, language: str, after: Mapping[str, str]
) -> dict[str, Any]:
    """A page of the section's lists. `next` says `after` of the following page: of each list that
    goes on, the last row seen; a list that is not named there has ended.
    """
    shown: dict[str, Any] = {each: [] for each in LISTS[name]}
    later: dict[str, str] = {}
    for each in [one for one in LISTS[name] if one in after] or LISTS[name]:
        shown[each] = rows = _rows(services, id, each, language, after.get(each, ""))
        if len(rows) == PAGE:
            later[each] = str(KEYS[each](rows[-1]))
    return shown | {"next": later}


def _rows(services: Services, id: str, name: str, language: str, after: str) -> Sequence[Any]:
    lists = services.reads.of_member
    typed = whole(after)
    number = typed if isinstance(typed, int) else None
    if name == "statement":
        return statement(services, id, language, limit=PAGE, before=number)
    if name == "receipts":
        return lists.receipts(id, before=number, limit=PAGE)
    read: Callable[..., Sequence[View]] = getattr(lists, name)
    return read(id, after=after, limit=PAGE)


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
