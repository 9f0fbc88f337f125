"""Two members become one: the survivor has the better of both tiers, and all that both did counts.

The higher tier of the ladder wins with the time it was valid for, and so does the better paid
level. What both did together may reach a higher one still. Source: rules 17 and 18.
"""

from collections.abc import Iterator

from loyalty.following import follow
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.tiers.by_hand import TierGiven, set_tier
from loyalty.tiers.changes import carry_out, case_of, plan_review
from loyalty.tiers.decisions import rise
from loyalty.tiers.standing import Place, held_until


def join_tiers(
    tx: Transaction, gone: Member, gone_place: Place, stays_id: str, reason: str, actor: str
) -> str:
    """Give the survivor what the other held, and answer with the tier that counts.

    `gone` and `gone_place` are as they were before the merger; what the other did is the
    survivor's by now.
    """
    for given in _better(tx, gone_place, case_of(tx, tx.members.lock(stays_id)).place):
        set_tier(tx, stays_id, given, reason, actor)
    stays = tx.members.lock(stays_id)
    refunds = [
        review.refunded_at
        for each in (gone.id, stays.id)
        if (review := tx.tiers.review_of(each)) and review.refunded_at
    ]
    refunded_at = min(refunds, default=None)
    tx.tiers.review_at(gone.id, None, None)
    case = case_of(tx, stays)
    risen = rise(case)
    if risen is None:
        plan_review(tx, stays.id, case, refunded_at)
        return stays.tier
    changed = carry_out(tx, stays, case, risen, refunded_at)
    if changed.event is not None:
        follow(tx, changed.member, changed.event, changed.event.seq)
    return changed.member.tier


def _better(tx: Transaction, gone: Place, stays: Place) -> Iterator[TierGiven]:
    """What the other held that is more than the survivor holds."""
    tiers, now = tx.programme.tiers, tx.now
    tier = gone.ladder_tier(now)
    if tier in tiers.names:
        theirs, ours = tiers.rank(tier) or 0, tiers.rank(stays.ladder_tier(now))
        until, our_end = held_until(tiers, gone), held_until(tiers, stays)
        # One that is over and not judged yet begins anew: nobody falls by being merged.
        until = until if until is not None and until > now else None
        longer = theirs == ours and until is not None and our_end is not None and until > our_end
        if ours is None or theirs > ours or longer:
            yield TierGiven(tier=tier, until=until)
    paid, own = gone.paid(now), stays.paid(now)
    if paid is None or paid.tier not in tiers.paid_levels:
        return
    worth = (tiers.rank(paid.tier) or 0, paid.until_at)
    if own is None or worth > (tiers.rank(own.tier) or 0, own.until_at):
        yield TierGiven(kind="paid", tier=paid.tier, until=paid.until_at)
