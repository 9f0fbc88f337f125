"""Two members become one: the survivor has the better of both tiers, and all that both did counts.

The higher tier of the ladder wins with the time it was valid for, and so does the better paid
level. What both did together may reach a higher one still. Source: rules 17 and 18.
"""

from loyalty.following import follow
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.tiers.changes import carry_out, case_of, plan_review, settle
from loyalty.tiers.decisions import ground, rise
from loyalty.tiers.periods import lasts_until
from loyalty.tiers.standing import Case, Held, Place, held_until


def join_tiers(tx: Transaction, gone: Member, gone_place: Place, stays_id: str) -> str:
    """Give the survivor what the other held, and answer with the tier that counts.

    `gone` and `gone_place` are as they were before the merger; what the other did is the
    survivor's by now. What was held comes without gifts, which the other has had.
    """
    stays = tx.members.lock(stays_id)
    for better in (_on_ladder, _paid):
        row = better(case_of(tx, stays), gone_place)
        if row is not None:
            tx.tiers.add(stays.id, row)
    refunds = [
        review.refunded_at
        for each in (gone.id, stays.id)
        if (review := tx.tiers.review_of(each)) and review.refunded_at
    ]
    refunded_at = min(refunds, default=None)
    tx.tiers.review_at(gone.id, None, None)
    case = case_of(tx, stays)
    risen = rise(case)
    if risen is not None:
        changed = carry_out(tx, stays, case, risen, refunded_at)
    else:
        plan_review(tx, stays.id, case, refunded_at)
        changed = settle(tx, stays, case, "merged", f"merged/{gone.id}")
    if changed.event is not None:
        follow(tx, changed.member, changed.event, changed.event.seq)
    return changed.member.tier


def _on_ladder(case: Case, gone: Place) -> Held | None:
    """The tier of the other, if it is more than the survivor's, with what it was earned by."""
    tiers, now, tier = case.tiers, case.now, gone.ladder_tier(case.now)
    if tier not in tiers.names:
        return None
    theirs, ours = tiers.names.index(tier), case.rank
    until, our_end = held_until(tiers, gone), held_until(tiers, case.place)
    # One that is over and not judged yet begins anew: nobody falls by being merged.
    until = until if until is not None and until > now else None
    longer = theirs == ours and until is not None and our_end is not None and until > our_end
    if not (ours is None or theirs > ours or longer):
        return None
    earned = ground(gone)
    return Held(
        track="ladder",
        tier=tier,
        from_at=now,
        until_at=until or lasts_until(tiers, theirs, now, case.zone, case.place.joined),
        reason="retained" if earned else "set_by_hand",
        came_from=case.place.ladder_tier(now),
        metric=earned.metric if earned else None,
        counted_from=earned.counted_from if earned else None,
    )


def _paid(case: Case, gone: Place) -> Held | None:
    """The paid level of the other, if it ranks higher than the survivor's or lasts longer."""
    tiers, now = case.tiers, case.now
    paid, own = gone.paid(now), case.place.paid(now)
    if paid is None or paid.tier not in tiers.paid_levels:
        return None
    worth = (tiers.rank(paid.tier) or 0, paid.until_at)
    if own is not None and worth <= (tiers.rank(own.tier) or 0, own.until_at):
        return None
    came_from = case.place.ladder_tier(now)
    return Held("paid", paid.tier, now, paid.until_at, "paid", came_from)
