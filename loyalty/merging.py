"""Two memberships of one person become one: nothing is lost, nothing counts twice.

Every lot keeps its expiry, pending ones and debt go along, and what is owed is taken from what is
there; the higher tier wins, caps are summed. Acts, cards, coupons and journeys go along too; a
journey that both have entered goes on once. The old id stays and means the survivor from then on.
Source: rules 1 and 18.
"""

from dataclasses import replace
from typing import Any

from pydantic import Field

from loyalty.admission import compiled, go_together
from loyalty.digest import digest
from loyalty.errors import KeyReused, WrongState, invalid_field
from loyalty.event_keys import key_after
from loyalty.gifting import two
from loyalty.ledger import Posted
from loyalty.member_moves import Asked, MemberMove, Reason
from loyalty.members import Member, needs_active
from loyalty.ports import Transaction
from loyalty.reconcile import start_again
from loyalty.records import Decision, Enrolment
from loyalty.tiers.changes import case_of
from loyalty.tiers.joining import join_tiers

_CARRIED = ("name", "email", "phone", "phone_digits", "birthday", "card_no", "time_zone")


class Merger(Asked):
    """Why two members become one, and which bonuses they got twice."""

    reason: Reason
    reverse: tuple[str, ...] = Field(
        (), max_length=20, description="Keys of bonuses of the merged member to take back"
    )


def merge(tx: Transaction, member_id: str, into: str, merger: Merger, actor: str) -> dict[str, Any]:
    """Merge a member into another. The same again gets the first answer; raises WrongState while
    points are on hold: confirm or release those first.
    """
    hash_ = digest({"member": member_id, "into": into, **merger.model_dump(mode="json")})
    gone, stays = two(tx, member_id, into)
    known = tx.member_moves.find("merge", merger.id)
    if known is not None:
        if known.body_hash != hash_:
            raise KeyReused("merger", merger.id)
        return {**known.answer, "replayed": True}
    _may_merge(tx, member_id, into, gone, stays)
    reversed_points = _take_bonuses_back(tx, merger, gone)
    points, debt = carry_over(tx, f"merge:{merger.id}", gone.id, stays.id)
    held = case_of(tx, gone).place
    running = tx.enrolments.running(gone.id)
    twice = [journey.id for journey in running if not _goes_along(tx, journey, stays)]
    had = [own.id for own in tx.enrolments.running(stays.id) if _had(tx, own, gone)]
    for own in had:
        tx.enrolments.add_command(own, "cancel", f"{gone.id} had more of it", actor)
    tx.member_moves.take_over(gone.id, stays.id, twice)
    tx.members.save(_cleared(gone, stays))
    tx.members.save(_joined(gone, replace(stays, inviter_id=_inviter(tx, gone, stays))))
    tier = join_tiers(tx, gone, held, stays.id)
    for journey in (*tx.enrolments.running(gone.id), *tx.enrolments.running(stays.id)):
        start_again(tx, journey, f"{gone.id} was merged into {stays.id}")
    answer = {
        "id": merger.id,
        "member_id": gone.id,
        "into": stays.id,
        "points": points,
        "debt": debt,
        "reversed_points": reversed_points,
        "tier": tier,
    }
    said = {"into": stays.id, "points": points, "debt": debt, "reversed": list(merger.reverse)}
    tx.audit.add(actor, "member.merge", gone.id, merger.reason, said)
    move = MemberMove("merge", merger.id, gone.id, stays.id, points, tx.now, hash_, answer)
    tx.member_moves.add(move)
    return {**answer, "replayed": False}


def carry_over(tx: Transaction, key: str, member_id: str, into: str) -> tuple[int, int]:
    """Move all that is on one book to another: points with their dates, and debt, which the points
    there pay at once. How much of each went.
    """
    before = tx.ledger.balance(member_id)
    if before.posted or before.debt or before.held:
        tx.ledger.transfer(key, member_id, into, 0, kind="merge", everything=True)
    return before.posted, before.debt


def _may_merge(tx: Transaction, member_id: str, into: str, gone: Member, stays: Member) -> None:
    if gone.id == stays.id and member_id != into:
        raise WrongState(f"Member {member_id!r} was merged into {gone.id!r}.", into=gone.id)
    if gone.id == stays.id:
        raise invalid_field("other_id", "same", "must be another member")
    if gone.id != member_id:
        raise WrongState(f"Member {member_id!r} was merged into {gone.id!r}.", into=gone.id)
    for each in (gone, stays):
        needs_active(each)
    held = tx.ledger.balance(gone.id).held
    if held:
        raise WrongState(
            f"{held} points of {gone.id!r} are on hold: confirm or release them first.",
            member_id=gone.id,
            held=held,
        )


def _take_bonuses_back(tx: Transaction, merger: Merger, gone: Member) -> int:
    """A bonus for joining is given once to a person."""
    total = 0
    for number, key in enumerate(merger.reverse):
        original = tx.ledger.transaction(key)
        if original.member_id != gone.id:
            raise invalid_field("reverse", "not_theirs", f"names {key!r} of another member")
        if original.kind != "grant":
            # What a purchase earned goes back with its goods, and then all of it must be there.
            raise invalid_field("reverse", "no_bonus", f"names {key!r}, which is no bonus")
        taken = key_after(f"bonus-{number}", f"merge:{merger.id}")
        posted = tx.ledger.reverse(taken, key, policy="debt", meta={"merge": merger.id})
        _free_its_room(tx, posted, key)
        total += posted.points
    return total


def _free_its_room(tx: Transaction, taken: Posted, key: str) -> None:
    """What a campaign gave and has back can be given again: a run under way keeps the room for
    itself until it ends, as with a goal that is undone.
    """
    given = tx.decisions.find(key)
    if given is None or given.enrolment_id is None:
        return  # the gift of a tier: no campaign's budget
    run = tx.enrolments.lock(given.enrolment_id)
    kept = 0 if run.state == "ended" else taken.points
    left, reserved = run.granted_points - taken.points, run.reserved_points + kept
    tx.enrolments.save(replace(run, granted_points=left, reserved_points=reserved))
    tx.campaigns.spend(run.campaign_id, granted=-taken.points, reserved=kept)
    undone = Decision(
        key=bonus_undone(key),
        campaign_id=run.campaign_id,
        version=run.version,
        member_id=run.member_id,
        enrolment_id=run.id,
        step_id=given.step_id,
        verdict="reversed",
        reason="given_twice",
        inputs={"points": taken.points, "transaction": taken.key},
        at=tx.now,
    )
    tx.decisions.add(undone)


def bonus_undone(key: str) -> str:
    """The decision that a merger took back what was given under a key."""
    return f"{key}:merged"


def _goes_along(tx: Transaction, journey: Enrolment, stays: Member) -> bool:
    """Whether a journey under way is one more of the survivor's, and not a second for one act."""
    rules = compiled(tx.campaigns.version(journey.campaign_id, journey.version))
    own = tx.enrolments.of_member(journey.campaign_id, stays.id)
    return all(each.arm != journey.arm or go_together(journey, each, rules, tx.now) for each in own)


def _cleared(gone: Member, stays: Member) -> Member:
    """The old row: it only points on. Who the person is stands in one row, not in two."""
    nobody: dict[str, Any] = dict.fromkeys((*_CARRIED, "source", "inviter_id"))
    return replace(gone, status="merged", merged_into=stays.id, tags=(), **nobody)


def _had(tx: Transaction, own: Enrolment, gone: Member) -> bool:
    """Whether the other card's run of the same time gave more, and is the one that counts."""
    rules = compiled(tx.campaigns.version(own.campaign_id, own.version))
    return any(
        each.state == "ended"
        and each.granted_points > own.granted_points
        and not go_together(own, each, rules, tx.now)
        for each in tx.enrolments.of_member(own.campaign_id, gone.id)
    )


def _inviter(tx: Transaction, gone: Member, stays: Member) -> str | None:
    """Who invited the survivor: nobody invites himself, with whichever of his cards."""
    inviter = tx.members.get(stays.inviter_id) if stays.inviter_id else None
    themselves = inviter is not None and inviter.id in (gone.id, stays.id)
    return None if themselves else stays.inviter_id


def _joined(gone: Member, stays: Member) -> Member:
    """One person's figures: what one row did not say, the other does."""
    carried = {name: getattr(stays, name) or getattr(gone, name) for name in _CARRIED}
    firsts = [at for at in (gone.first_purchase_at, stays.first_purchase_at) if at]
    lasts = [at for at in (gone.last_purchase_at, stays.last_purchase_at) if at]
    return replace(
        stays,
        **carried,
        tags=(*stays.tags, *(tag for tag in gone.tags if tag not in stays.tags)),
        stop_listed=stays.stop_listed or gone.stop_listed,
        registered_at=min(gone.registered_at, stays.registered_at),
        first_purchase_at=min(firsts, default=None),
        last_purchase_at=max(lasts, default=None),
        purchases=gone.purchases + stays.purchases,
        spend_minor=gone.spend_minor + stays.spend_minor,
    )
