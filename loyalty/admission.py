"""Who enters a campaign, and why not: one function for events, schedules, launches and the API.

Everybody who is evaluated gets a decision. The order of the questions is fixed: the member, the
audience, the campaign's own rules on coming back, the budget, the holdout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from loyalty.attainment import goal_until, watch
from loyalty.audiences.history import with_history
from loyalty.coming_expiry import balance_of
from loyalty.journeys.compiled import Compiled, EnterMonthly, EnterOnEvent
from loyalty.journeys.cost import most_points
from loyalty.journeys.machine import begin, bucket
from loyalty.members import Member, member_facts
from loyalty.outside import Refusal, outside
from loyalty.ports import Transaction
from loyalty.records import Campaign, Decision, Enrolment, InboxEvent, Version
from loyalty.timing import shift


@dataclass(frozen=True, slots=True)
class Entry:
    """One knock at a campaign's door: by which key, counting acts since when, led there by what."""

    key: str  # once, 2026-11, an event's seq ...
    since: datetime
    event: InboxEvent | None = None
    starts_at: datetime | None = None  # pacing: not before
    priority: int = 3
    # Daily passes meet the same refusals again and again; the first word about each is enough.
    repeats: bool = False


_COMPILED_MAX = 256
# By the identity of the version's body, which is kept beside it: a body never changes, and another
# database's campaign of the same name can never be taken for it.
_compiled: dict[int, tuple[Mapping[str, Any], Compiled]] = {}


def compiled(version: Version) -> Compiled:
    """The campaign as compiled, parsed once for as long as its version is in memory."""
    known = _compiled.get(id(version.body))
    if known is not None and known[0] is version.body:
        return known[1]
    if len(_compiled) >= _COMPILED_MAX:
        _compiled.clear()
    parsed = Compiled.model_validate(version.body)
    _compiled[id(version.body)] = (version.body, parsed)
    return parsed


def consider(
    tx: Transaction,
    campaign: Campaign,
    version: Version,
    member: Member,
    entry: Entry,
    facts: Mapping[str, object] | None = None,
) -> Enrolment | None:
    """Admit a member, hold them out, or say why not. Returns the enrolment if one was made."""
    rules = compiled(version)
    refusal = refusal_of(tx, campaign, rules, member, entry, facts)
    if refusal is not None:
        _refuse(tx, version, member, entry, refusal)
        return None
    enrolment = Enrolment(
        id=f"j/{campaign.id}/{member.id}/{entry.key}",
        campaign_id=campaign.id,
        version=version.version,
        template=version.template,
        member_id=member.id,
        entry_key=entry.key,
        arm="treated",
        state="admitted",
        admitted_at=tx.now,
        position=begin(version.plan, entry.since),
        again=_came_before(tx, rules, campaign, member),
        goal_since=entry.since,
        goal_until=goal_until(version.plan, entry.since, tx.programme.tz),
        trigger_seq=entry.event.seq if entry.event else None,
    )
    held_out = is_held_out(campaign, rules, member)
    most = most_points(version.plan, has_inviter=member.inviter_id is not None)
    if most and not _has_room(tx, campaign, most, held_out):
        _refuse(tx, version, member, entry, Refusal("budget_exhausted", {"needed": most}))
        return None
    if held_out:
        return _hold_out(tx, version, enrolment, member)
    enrolment = replace(enrolment, reserved_points=most)
    if not tx.enrolments.add(enrolment):
        tx.campaigns.spend(campaign.id, granted=0, reserved=-most)
        return None
    watch(tx, version, enrolment, member)
    reserved = {"entry": entry.key, "reserved_points": most}
    _decide(tx, enrolment, "admitted", "admitted", reserved)
    tx.outbox.add(
        "start_journey",
        enrolment.id,
        {
            "enrolment_id": enrolment.id,
            "campaign_id": campaign.id,
            "version": version.version,
            "template": version.template,
            "member_ref": member.id,
            "plan_hash": version.plan_hash,
        },
        available_at=entry.starts_at,
        priority=entry.priority,
    )
    return enrolment


def refusal_of(
    tx: Transaction,
    campaign: Campaign,
    rules: Compiled,
    member: Member,
    entry: Entry,
    facts: Mapping[str, object] | None,
) -> Refusal | None:
    if member.status != "active":
        return Refusal("member_not_active", {"status": member.status})
    where = rules.enter.where if isinstance(rules.enter, EnterOnEvent) else None
    if rules.audience or where:
        facts = with_history(tx, member, facts or facts_of(tx, member), [rules.audience])
        refused = outside(rules.audience, where, facts, entry.event)
        if refused is not None:
            return refused
    return _coming_back(tx, rules, tx.enrolments.of_member(campaign.id, member.id), entry)


def facts_of(tx: Transaction, member: Member) -> Mapping[str, object]:
    """A member's facts for conditions, with the ledger's word on points."""
    return member_facts(member, balance_of(tx, member), tx.now)


def _coming_back(
    tx: Transaction, rules: Compiled, before: Sequence[Enrolment], entry: Entry
) -> Refusal | None:
    if any(e.entry_key == entry.key for e in before):
        return Refusal("already_entered", {"entry": entry.key})
    if any(e.state != "ended" and not _gives_way(e, rules, tx.now) for e in before):
        return Refusal("already_running", {})
    if not before:
        return None
    if rules.reentry.rule == "once_per_member":
        return Refusal("once_per_member", {})
    if rules.reentry.after is not None:
        last = max(e.ended_at or e.admitted_at for e in before)
        again = shift(last, rules.reentry.after, tx.programme.tz)
        if tx.now < again:
            return Refusal("cooling_down", {"last": last.isoformat()}, again)
    return None


def _came_before(tx: Transaction, rules: Compiled, campaign: Campaign, member: Member) -> bool:
    """Whether this is not the member's first run: who comes back must not count twice in lift."""
    if rules.reentry.rule == "once_per_member":
        return False
    return bool(tx.enrolments.of_member(campaign.id, member.id))


def _gives_way(earlier: Enrolment, rules: Compiled, now: datetime) -> bool:
    """Whether the next run may begin beside a live one: a month's is over with its month, a day's
    once it waits for nothing but late uploads.
    """
    if not rules.reentry.may_overlap or isinstance(rules.enter, EnterMonthly):
        return rules.reentry.may_overlap
    until = earlier.position.until
    return until is not None and until <= now


def go_together(one: Enrolment, other: Enrolment, rules: Compiled, now: datetime) -> bool:
    """Whether one member could have had both runs: if not, an act would be rewarded in both."""
    earlier, later = sorted((one, other), key=lambda each: each.admitted_at)
    if one.entry_key == other.entry_key:
        return False
    if earlier.ended_at is None:
        return _gives_way(earlier, rules, now)
    return rules.reentry.may_overlap or earlier.ended_at <= later.admitted_at


def is_held_out(campaign: Campaign, rules: Compiled, member: Member) -> bool:
    """Whether chance keeps the member out: by a hash, so that it stays so and can be recomputed."""
    return bucket(campaign.id, "holdout", member.id) < rules.holdout_bp


def _has_room(tx: Transaction, campaign: Campaign, points: int, held_out: bool) -> bool:
    """Whether the budget covers a journey, and is taken for it. Who is held out is asked as well,
    and takes nothing: both arms are members of the same days.
    """
    if held_out:
        return tx.campaigns.lock(campaign.id).has_room(points)
    return tx.campaigns.reserve(campaign.id, points)


def _hold_out(tx: Transaction, version: Version, enrolment: Enrolment, member: Member) -> Enrolment:
    """Keep a member out on purpose: no journey, but counted, so that lift can be told."""
    held = replace(enrolment, arm="holdout", state="ended", outcome="held_out", ended_at=tx.now)
    tx.enrolments.add(held)
    watch(tx, version, held, member)
    place = {"bucket": bucket(held.campaign_id, "holdout", held.member_id)}
    _decide(tx, held, "held_out", "holdout", place)
    return held


def _refuse(
    tx: Transaction, version: Version, member: Member, entry: Entry, refusal: Refusal
) -> None:
    knock = refusal.reason if entry.repeats else f"{entry.key}:{refusal.reason}"
    tx.decisions.add(
        Decision(
            key=f"n/{version.campaign_id}/{member.id}:{knock}",
            campaign_id=version.campaign_id,
            version=version.version,
            member_id=member.id,
            step_id="entry",
            verdict="not_admitted",
            reason=refusal.reason,
            inputs=refusal.inputs,
            event_seq=entry.event.seq if entry.event else None,
            at=tx.now,
            until=refusal.until,
        )
    )


def _decide(
    tx: Transaction, enrolment: Enrolment, verdict: str, reason: str, inputs: Mapping[str, Any]
) -> None:
    """Why a member has an enrolment."""
    tx.decisions.add(
        Decision(
            key=f"{enrolment.id}:entry",
            campaign_id=enrolment.campaign_id,
            version=enrolment.version,
            member_id=enrolment.member_id,
            enrolment_id=enrolment.id,
            step_id="entry",
            verdict=verdict,
            reason=reason,
            inputs=inputs,
            event_seq=enrolment.trigger_seq,
            at=tx.now,
        )
    )
