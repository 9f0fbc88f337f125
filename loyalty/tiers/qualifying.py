"""What one purchase adds to the metric, net of what came back: money or points, never a gift."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loyalty.earning.give_back import kept_after
from loyalty.events import Refund
from loyalty.records import InboxEvent
from loyalty.tiers.settings import Tiers

Line = Mapping[str, Any]
"""A line of a receipt as the breakdown of its points keeps it."""


def amount_of(tiers: Tiers, purchase: InboxEvent, refunds: Sequence[InboxEvent]) -> int:
    """Minor units or points that a purchase counts for once these refunds are taken off.

    Of spend, what earns points: no gift cards, top-ups or shipping, and nothing that was paid with
    points (rule 11). Gifts of campaigns and of tiers are no purchase and never get here.
    """
    match tiers.metric:
        case "spend_minor":
            return _kept(purchase, refunds, lambda line: int(line["earning_minor"]))
        case "points_earned":
            taken = sum(int(each.answer["points_reversed"]) for each in refunds)
            return int(purchase.answer["points"]) - taken
        case "top_up":
            chosen = tiers.top_up_categories
            return _kept(
                purchase,
                refunds,
                lambda line: int(line["net_minor"]) if line["category"] in chosen else 0,
            )


def noted(tiers: Tiers, purchase: InboxEvent, refunds: Sequence[InboxEvent]) -> int:
    """What has to be noted of a purchase, besides the receipt itself.

    Spend is summed over receipts, so only what does not count of one is noted, as a negative
    amount: most receipts need no note at all.
    """
    amount = amount_of(tiers, purchase, refunds)
    if tiers.metric == "spend_minor":
        amount -= (purchase.amount_minor or 0) - sum(each.amount_minor or 0 for each in refunds)
    return amount


def counts_whole(tiers: Tiers, purchase: InboxEvent) -> bool:
    """Whether nothing is noted of a purchase, nor of what comes back of it."""
    return tiers.metric == "spend_minor" and all(
        line["earning_minor"] == line["net_minor"] for line in _lines(purchase)
    )


def _kept(
    purchase: InboxEvent, refunds: Sequence[InboxEvent], counted: Callable[[Line], int]
) -> int:
    """What counts of the pieces that were kept; a part of a line is rounded down."""
    lines = _lines(purchase)
    kept = [int(line["quantity"]) for line in lines]
    for each in refunds:
        kept = kept_after(kept, Refund.model_validate(each.body).lines)
    return sum(
        counted(line) * pieces // int(line["quantity"])
        for line, pieces in zip(lines, kept, strict=True)
    )


def _lines(purchase: InboxEvent) -> Sequence[Line]:
    lines: Sequence[Line] = purchase.answer["breakdown"]["lines"]
    return lines
