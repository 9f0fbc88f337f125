"""What members wish to be told: consents by channel and purpose, and the stop list above them all.

Both take effect at once, also for messages that are already waiting to be sent. Source: rule 30.
"""

from collections.abc import Sequence
from dataclasses import replace

from loyalty.members import needs_active
from loyalty.ports import Transaction
from loyalty.registration import Consent


def consent(
    tx: Transaction,
    member_id: str,
    consents: Sequence[Consent],
    actor: str,
    reason: str | None = None,
) -> None:
    """Note what a member agreed to or took back; what is not named stays.

    Raises Unknown, WrongState for who is no member any more.
    """
    member = tx.members.lock(member_id)
    needs_active(member)
    for each in consents:
        tx.members.set_consent(member.id, each.channel, each.purpose, each.granted)
    said = [each.model_dump() for each in consents]
    tx.audit.add(actor, "member.consents", member.id, reason, {"consents": said})


def stop_list(tx: Transaction, member_id: str, stop_listed: bool, actor: str, reason: str) -> None:
    """Put a member on the stop list or take them off it; consents stay as they are.

    Raises Unknown, WrongState for who is no member any more.
    """
    member = tx.members.lock(member_id)
    needs_active(member)
    tx.members.save(replace(member, stop_listed=stop_listed))
    tx.audit.add(actor, "member.stop_list", member.id, reason, {"stop_listed": stop_listed})
