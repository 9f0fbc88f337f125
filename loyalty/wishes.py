"""What members wish to be told: consents by channel and purpose, and the stop list above them all.

Both take effect at once, also for messages that are already waiting to be sent. Source: rule 20.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loyalty.members import ConsentSource, needs_active
from loyalty.ports import Transaction
from loyalty.registration import Consent

UNSUBSCRIBE = "unsubscribe"
"""The actor, where a member refuses without any of us."""
NO_OFFERS_BY_EMAIL = Consent(channel="email", purpose="marketing", granted=False)
"""What the link in an e-mail says."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the link in an e-mail leads to: whose it is, their language, and whether they refused
    already.
    """

    member_id: str
    locale: str
    refused: bool


def consent(
    tx: Transaction,
    member_id: str,
    consents: Sequence[Consent],
    actor: str,
    reason: str | None = None,
    source: ConsentSource = "request",
) -> None:
    """Note what a member agreed to or took back; what is not named stays.

    Raises Unknown, WrongState for who is no member any more.
    """
    member = tx.members.lock(member_id)
    needs_active(member)
    for each in consents:
        tx.members.set_consent(member.id, each.channel, each.purpose, each.granted, source)
    said = [each.model_dump() for each in consents]
    tx.audit.add(actor, "member.consents", member.id, reason, {"consents": said})


def subscription(tx: Transaction, token: str) -> Subscription | None:
    """What stands behind the link in an e-mail; none when it leads nowhere, or its member is gone.

    Of a member who was merged, the survivor's.
    """
    member = tx.members.behind_link(token)
    if member is None or member.status != "active":
        return None
    said = tx.messages.standing(member.id).consents
    refused = said.get((NO_OFFERS_BY_EMAIL.channel, NO_OFFERS_BY_EMAIL.purpose)) is False
    return Subscription(member.id, member.locale, refused)


def unsubscribe(tx: Transaction, token: str) -> Subscription | None:
    """A member refuses marketing by e-mail, by the link in one; once more changes nothing.

    None when the link leads nowhere.
    """
    if (member := tx.members.behind_link(token)) is not None:
        tx.members.lock(member.id)  # of two who press at once, the second finds it done
    found = subscription(tx, token)
    if found is None or found.refused:
        return found
    consent(tx, found.member_id, [NO_OFFERS_BY_EMAIL], UNSUBSCRIBE, source="unsubscribe")
    return replace(found, refused=True)


def stop_list(tx: Transaction, member_id: str, stop_listed: bool, actor: str, reason: str) -> None:
    """Put a member on the stop list or take them off it; consents stay as they are.

    Raises Unknown, WrongState for who is no member any more.
    """
    member = tx.members.lock(member_id)
    needs_active(member)
    tx.members.save(replace(member, stop_listed=stop_listed))
    tx.audit.add(actor, "member.stop_list", member.id, reason, {"stop_listed": stop_listed})
