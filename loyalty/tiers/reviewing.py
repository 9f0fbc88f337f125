"""The nightly look at one member: refunds of the day, tiers whose time is over, warnings.

Each member is a transaction of its own, and a second look at the same hour changes nothing.
"""

from loyalty.following import follow
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.tiers.changes import (
    AT_RISK,
    Changed,
    carry_out,
    case_of,
    plan_review,
    record,
    settle,
)
from loyalty.tiers.decisions import is_at_risk, review_row
from loyalty.tiers.standing import Case, evaluate


def review(tx: Transaction, member_id: str) -> bool:
    """Judge one member's tier by the policy, one step at most; true if anything came of it."""
    member = tx.members.lock(member_id)
    if tx.programme.tiers.rank(member.tier) is None or member.status != "active":
        tx.tiers.review_at(member_id, None, None)
        return False
    case, known = case_of(tx, member), tx.tiers.review_of(member_id)
    refunded_at = known.refunded_at if known else None
    row, refunded_at = review_row(case, tx.programme.lateness, refunded_at)
    if row is not None:
        changed = carry_out(tx, member, case, row, refunded_at)
        case = case_of(tx, changed.member)
    else:
        # A paid level may have ended: the member's own tier counts again.
        changed = settle(tx, member, case, "paid_ended", f"{tx.now:%Y%m%dT%H%M%S.%f}")
        plan_review(tx, member_id, case, refunded_at)
    _tell(tx, changed)
    warned = _warn(tx, changed.member, case)
    return row is not None or changed.event is not None or warned


def _tell(tx: Transaction, changed: Changed) -> None:
    if changed.event is not None:
        follow(tx, changed.member, changed.event, changed.event.seq)


def _warn(tx: Transaction, member: Member, case: Case) -> bool:
    """Let campaigns tell a member what is missing to keep the tier, once for each validity."""
    if not is_at_risk(case):
        return False
    standing = evaluate(case)
    assert standing.valid_until is not None  # nothing is at risk that has no end
    assert standing.stay_by is not None
    said = {
        "tier": standing.ladder_tier,
        "missing": str(standing.to_stay),
        "metric": case.tiers.metric,
        "until": standing.stay_by.isoformat(),
    }
    name = f"tier.at_risk/{member.id}/{standing.ladder_tier}/{standing.valid_until:%Y%m%d}"
    event = record(tx, member.id, AT_RISK, name, said)
    if event is not None:
        follow(tx, member, event, event.seq)
    return event is not None
