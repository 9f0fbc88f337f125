"""Tiers given by people: a place on the ladder for a reason, and levels that members pay for.

A tier set by hand is never lowered by refunds: no purchase earned it. A paid level stands outside
the ladder and never moves the member there. Source: features 47 and 48, rule 17.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loyalty.errors import WrongState, invalid_field
from loyalty.events import Instant
from loyalty.following import follow
from loyalty.members import Member, needs_active
from loyalty.ports import Transaction
from loyalty.tiers.changes import carry_out, case_of
from loyalty.tiers.periods import lasts_until
from loyalty.tiers.settings import TierName
from loyalty.tiers.standing import Case, Held, Standing, evaluate, held_until


class TierGiven(BaseModel):
    """Which tier a member is given, until when: on the ladder, or as a level that is paid for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ladder", "paid"] = "ladder"
    tier: TierName
    until: Instant | None = Field(
        None, description="Exclusive. Of a paid level: its end, now or before to end it now"
    )

    @model_validator(mode="after")
    def _what_is_paid_for_ends(self) -> "TierGiven":
        if self.kind == "paid" and self.until is None:
            raise ValueError("a paid level needs `until`, the instant its fee is used up")
        return self


def set_tier(
    tx: Transaction, member_id: str, given: TierGiven, reason: str, actor: str
) -> Standing:
    """Give a member a tier, with a reason that stays in the audit trail.

    The same again changes nothing. Raises Invalid for a tier the programme does not know,
    WrongState for who is no member any more.
    """
    member = tx.members.lock(member_id)
    needs_active(member)
    case = case_of(tx, member)
    row = _paid(case, given) if given.kind == "paid" else _on_ladder(case, given)
    if row is not None:
        known = tx.tiers.review_of(member_id)
        changed = carry_out(tx, member, case, row, known.refunded_at if known else None)
        tx.audit.add(actor, "member.tier", member_id, reason, given.model_dump(mode="json"))
        member = changed.member
        if changed.event is not None:
            follow(tx, member, changed.event, changed.event.seq)
    return evaluate(case_of(tx, member))


def standing_of(tx: Transaction, member: Member) -> Standing:
    """Where a member stands now; nothing is written."""
    return evaluate(case_of(tx, member))


def _on_ladder(case: Case, given: TierGiven) -> Held | None:
    tiers, place = case.tiers, case.place
    if given.tier not in tiers.names:
        raise invalid_field("tier", "tier", "is not on the programme's ladder", tiers.names)
    if given.until is not None and given.until <= case.now:
        raise invalid_field("until", "in_past", f"is in the past; it is {case.now.isoformat()}")
    before = place.ladder_tier(case.now)
    if given.tier == before and given.until in (None, held_until(tiers, place)):
        return None
    rank = tiers.names.index(given.tier)
    by_rule = lasts_until(tiers, rank, case.now, case.zone, place.joined)
    return _row("ladder", given.tier, case, given.until or by_rule)


def _paid(case: Case, given: TierGiven) -> Held | None:
    allowed = tuple(case.tiers.paid_levels)
    if given.tier not in allowed:
        raise invalid_field("tier", "paid_level", "is not a paid level of the programme", allowed)
    now_paid = case.place.paid(case.now)
    assert given.until is not None  # the body sees to it
    if given.until <= case.now and now_paid is None:
        raise WrongState("No paid level runs that could be ended.", tier=given.tier)
    if now_paid is not None and (now_paid.tier, now_paid.until_at) == (given.tier, given.until):
        return None
    return _row("paid", given.tier, case, max(given.until, case.now))


def _row(track: Literal["ladder", "paid"], tier: str, case: Case, until: datetime | None) -> Held:
    return Held(
        track=track,
        tier=tier,
        from_at=case.now,
        until_at=until,
        reason="paid" if track == "paid" else "set_by_hand",
        came_from=case.place.ladder_tier(case.now),
    )
