"""What one purchase adds to the metric, net of what came back: money or points, never a gift."""

from collections.abc import Sequence

from loyalty.events import Purchase, Refund
from loyalty.records import InboxEvent
from loyalty.tiers.settings import Tiers


def amount_of(tiers: Tiers, purchase: InboxEvent, refunds: Sequence[InboxEvent]) -> int:
    """Minor units or points that a purchase counts for once these refunds are taken off.

    Only what the purchase itself earned counts as points earned: gifts of campaigns and of tiers
    are no purchase and never get here.
    """
    match tiers.metric:
        case "spend_minor":
            return (purchase.amount_minor or 0) - sum(each.amount_minor or 0 for each in refunds)
        case "points_earned":
            taken = sum(int(each.answer["points_reversed"]) for each in refunds)
            return int(purchase.answer["points"]) - taken
        case "top_up":
            return _topped_up(tiers, purchase, refunds)


def _topped_up(tiers: Tiers, purchase: InboxEvent, refunds: Sequence[InboxEvent]) -> int:
    lines = Purchase.model_validate(purchase.body).lines
    kept = [line.quantity for line in lines]
    for each in refunds:
        returned = Refund.model_validate(each.body).lines
        if returned is None:
            return 0
        for back in returned:
            kept[back.line - 1] -= back.quantity
    return sum(
        line.net_minor * quantity // line.quantity
        for line, quantity in zip(lines, kept, strict=True)
        if line.category in tiers.top_up_categories
    )
