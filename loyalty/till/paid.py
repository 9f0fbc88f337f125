"""A purchase says itself what points paid of it, so that this part earns nothing (rule 11).

The till confirms a hold and the purchase is recorded, in either order; whichever comes second is
held to what the first one said.
"""

from loyalty.errors import invalid_field
from loyalty.events import Purchase
from loyalty.members import Member
from loyalty.ports import Transaction


def require_paid(tx: Transaction, purchase: Purchase, member: Member) -> None:
    """Refuse a purchase that names less than the points confirmed for it paid, or is not theirs.

    `member` is locked, and the one who lives on. What came back before it was recorded is money
    again, by its share.
    """
    if member.id == purchase.member_id:
        hold = tx.till.paying(purchase.source, purchase.id)
    else:  # locked only now: what was read before is not the last word
        hold = tx.till.of_purchase(purchase.source, purchase.id)
    if hold is None:
        return
    if hold.member_id != member.id:
        payer = tx.members.get(hold.member_id)
        if payer is None or payer.id != member.id:
            raise invalid_field(
                "member_id", "other_member", f"is not who paid with the points of hold {hold.id!r}"
            )
    if purchase.paid_with_points_minor < hold.paying_minor:
        raise invalid_field(
            "paid_with_points_minor",
            "less_than_confirmed",
            f"is less than the {hold.paying_minor} minor units that the points of hold "
            f"{hold.id!r} paid: that part earns nothing. Send what confirming it answered in "
            "confirmed_minor",
        )
