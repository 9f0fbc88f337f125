"""What of a member's points lapses when, also of those without a date.

Points without a date lapse where inactivity, or expiry that was switched on for live members, ends
them, or by a notice that came later. Balances, conditions and messages all say the same.
Source: rules 6, 8, 13.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from loyalty.expiry_policy import Notice
from loyalty.ledger import Balance
from loyalty.members import Member
from loyalty.ports import Transaction


def undated_until(tx: Transaction, member: Member) -> datetime | None:
    """When a member's undated points lapse; none = never.

    Inactivity counts from the last purchase, so each purchase moves it, also one whose goods came
    back: it was made. Whoever is given points while inactive has them for a minimum life (rule 13).
    A policy that was switched on for live members counts from that day: nobody loses anything
    before a full period (rule 8).
    """
    expiry, zone = tx.programme.expiry, tx.programme.tz
    act = member.last_purchase_at or member.registered_at
    if expiry.policy != "inactivity":
        return expiry.undated(act, zone)
    bought = tx.inbox.last_at(member.id, "purchase")
    given = tx.ledger.undated_given_at(member.id)
    return expiry.undated(max(act, bought) if bought else act, zone, given)


def balance_of(tx: Transaction, member: Member) -> Balance:
    """What a member has, with every coming expiry; a purchase may move that of undated points."""
    return _completed(tx, member, tx.ledger.balance(member.id))


def balances_of(tx: Transaction, members: Sequence[Member]) -> Mapping[str, Balance]:
    """The same for a page of members, by id."""
    found = tx.ledger.balances([member.id for member in members])
    return {member.id: _completed(tx, member, found[member.id]) for member in members}


def _completed(tx: Transaction, member: Member, balance: Balance) -> Balance:
    if not tx.programme.expiry.counts_undated or not (left := tx.ledger.undated(member.id)):
        return balance
    ends = undated_until(tx, member)
    if ends is None:
        return balance
    dated = dict(balance.next_expiry)
    coming = [(each.expires_at, each.undated) for each in announced(tx, member.id, ends)]
    later = [(at, points) for at, points in coming if at > max(ends, tx.now)]
    for at, points in (*reversed(later), (ends, left)):
        if at > tx.now and (part := min(left, points)):
            dated[at] = dated.get(at, 0) + part
            left -= part
    return replace(balance, next_expiry=sorted(dated.items()))


def announced(tx: Transaction, member_id: str, ends: datetime) -> list[Notice]:
    """Notices of undated points that count, since they end then.

    Each holds for the day it names: what is given later has missed it, whatever it left.
    """
    if not tx.programme.expiry.notice_days:
        return []
    since = max(ends, tx.now - timedelta(days=1))
    return [each for each in tx.notices.of_undated(member_id, since) if old_enough(tx, each)]


def old_enough(tx: Transaction, notice: Notice) -> bool:
    period = timedelta(days=tx.programme.expiry.notice_days)
    return notice.noticed_at + period <= notice.expires_at
