"""Points that were held come to nothing: they are free again, and whose fault it was decides how.

A hold keeps points from lapsing. Let go after their lots' time they would lapse at once, which is
right where the member cancels, and not where the shop is at fault. Source: rule 7.
"""

from datetime import timedelta

from loyalty.event_keys import key_after
from loyalty.ledger import UNDATED
from loyalty.offers import Fault
from loyalty.ports import Transaction


def let_go(tx: Transaction, hold_id: str, fault: Fault, reason: str) -> None:
    """Free an open hold. What lapsed meanwhile by the shop's fault lives on for a while.

    Whoever calls has found the deadline not reached: a hold past its own is nobody's fault here.
    """
    if fault == "merchant" and _lapsed_meanwhile(tx, hold_id):
        # Released, they would go to lots that are over. Spent and undone they live on.
        burn = key_after("confirm", hold_id)
        tx.ledger.confirm(hold_id, burn)
        tx.ledger.reverse(
            key_after("reinstate", hold_id),
            burn,
            reinstate_until=tx.now + timedelta(days=tx.programme.burning.grace_days),
            meta={"fault": fault, "reason": reason},
        )
    else:
        tx.ledger.release(hold_id, key_after("release", hold_id))


def free_overdue(tx: Transaction, member_id: str) -> int:
    """Free what nobody confirmed or let go in time; how many holds. Again it finds nothing.

    Whoever reads a balance counts them as free from their deadline on; until they are, their points
    can neither lapse nor be announced.
    """
    tx.members.lock(member_id)
    return tx.ledger.free_overdue(member_id)


def _lapsed_meanwhile(tx: Transaction, hold_id: str) -> bool:
    lots = tx.ledger.transaction(hold_id).lots
    return any((lot.expires_at or UNDATED) <= tx.now for lot in lots)
