"""Events that were understood and refused: kept, so that nobody has to ask the shop for them.

Most name a member who does not exist yet, or repeat an id with other content (rule 14). Once the
cause is mended, one is replayed: recorded as if it had just been sent. One that the shop sent again
and got recorded is no longer refused, whoever mended it.
"""

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from loyalty.errors import Invalid, Unknown
from loyalty.events import MemberEvent, Purchase, Refund
from loyalty.intake import record_event, record_purchase
from loyalty.ports import Transaction
from loyalty.refunds import record_refund
from loyalty.refused_event import RefusedEvent, refunded_purchase


def keep(tx: Transaction, event: RefusedEvent) -> None:
    """Keep it for a person to look at. Of who was erased nothing is kept, and no replay could
    record it (rule 19).
    """
    member_id = _buyer(tx, event) or event.member_id
    if member_id is not None:
        try:
            # Locked: an erasure on its way clears what was kept before it, and nothing after.
            erased = tx.members.lock(member_id).status == "erased"
        except Unknown:
            erased = False
        if erased:
            return
    tx.repairs.add_refused(replace(event, member_id=member_id))


def _buyer(tx: Transaction, event: RefusedEvent) -> str | None:
    """Whose goods come back: a refund names the purchase, and no member."""
    named = refunded_purchase(event)
    purchase = tx.inbox.find(*named) if named else None
    return purchase.member_id if purchase else None


def replay(tx: Transaction, target: str) -> dict[str, Any]:
    """Record a refused event now; raises whatever refuses it again, and Unknown."""
    source, _, event_id = target.partition("/")
    found = tx.repairs.refused(source, event_id)
    if found is None:
        raise Unknown("refused event", target)
    try:
        match found.kind:
            case "purchase":
                return record_purchase(tx, Purchase.model_validate(found.body))
            case "refund":
                return record_refund(tx, Refund.model_validate(found.body))
            case "event":
                return record_event(tx, MemberEvent.model_validate(found.body))
    except ValidationError as error:
        fields = [
            {"field": ".".join(map(str, each["loc"])), "code": each["type"], "message": each["msg"]}
            for each in error.errors(include_url=False, include_input=False)
        ]
        names = ", ".join(each["field"] for each in fields[:5])
        raise Invalid(f"It still cannot be read: look at {names}.", fields) from None
