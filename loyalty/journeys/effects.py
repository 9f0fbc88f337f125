"""Carrying out what a journey decided: points, cards, coupons, tags, messages.

Each effect has its key before it starts (enrolment, step, occurrence), leaves one decision saying
what became of it and why, and is harmless when carried out again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from loyalty.journeys.cost import most_points
from loyalty.journeys.plan import Card, Coupon, Effect, Grant, Notify, Tag
from loyalty.members import Member
from loyalty.merging import bonus_undone, carry_over
from loyalty.message_variables import variables_for
from loyalty.messages import NewMessage, Queued
from loyalty.outside import Refusal
from loyalty.points import BASIS
from loyalty.ports import Transaction
from loyalty.records import Campaign, CardHeld, Decision, Enrolment, Version
from loyalty.timing import shift


@dataclass(slots=True)
class Journey:
    """One member's journey during one turn: rows read under lock, and what the turn changed."""

    tx: Transaction
    campaign: Campaign
    version: Version
    enrolment: Enrolment
    member: Member
    granted: int = 0  # points to move on the campaign's own counters when the turn is over
    reserved: int = 0
    did: list[str] = field(default_factory=list)
    decided: list[Decision] = field(default_factory=list)
    been: set[str] = field(default_factory=set)  # places, see `reached.py`
    left: set[str] = field(default_factory=set)  # goals that stand no more

    def key(self, step_id: str, occurrence: int = 0) -> str:
        return f"{self.enrolment.id}:{step_id}:{occurrence}"

    def spend(self, *, granted: int, reserved: int) -> None:
        """Move the counters of the enrolment and its campaign together: a reserve became a grant,
        or went back.
        """
        self.granted += granted
        self.reserved += reserved
        self.enrolment = replace(
            self.enrolment,
            granted_points=self.enrolment.granted_points + granted,
            reserved_points=self.enrolment.reserved_points + reserved,
        )

    def settle_budget(self) -> None:
        """Write the campaign's counters, last of all: every journey of it waits for that row."""
        if self.granted or self.reserved:
            self.tx.campaigns.spend(self.campaign.id, granted=self.granted, reserved=self.reserved)

    def remember(self, variables: Mapping[str, Any]) -> None:
        """Carry these message variables along from here on."""
        carried = {**self.enrolment.remembered, **variables}
        self.enrolment = replace(self.enrolment, remembered=carried)

    def decide(
        self,
        key: str,
        step_id: str,
        verdict: str,
        reason: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        event_seq: int | None = None,
        until: datetime | None = None,
    ) -> None:
        """Note why; the turn writes all it decided at once, and the first word on a key stands."""
        self.decided.append(
            Decision(
                key=key,
                campaign_id=self.campaign.id,
                version=self.version.version,
                member_id=self.member.id,
                enrolment_id=self.enrolment.id,
                step_id=step_id,
                verdict=verdict,
                reason=reason,
                inputs=inputs or {},
                event_seq=event_seq,
                turn=self.enrolment.turn,
                at=self.tx.now,
                until=until,
            )
        )


def carry_out(
    journey: Journey,
    step_id: str,
    effect: Effect,
    *,
    occurrence: int = 0,
    reason: str = "reached",
    until: datetime | None = None,
) -> None:
    """Do one effect; `reason` says what led to it, `until` when it would be too late to tell."""
    key = journey.key(step_id, occurrence)
    if isinstance(effect, Grant):
        _grant(journey, key, step_id, effect, reason)
    elif isinstance(effect, Card):
        _card(journey, key, step_id, effect, reason)
    elif isinstance(effect, Coupon):
        _coupon(journey, key, step_id, effect, reason)
    elif isinstance(effect, Tag):
        _tag(journey, key, step_id, effect, reason)
    else:
        _notify(journey, key, step_id, effect, reason, until)


def taken_back(effect: Effect) -> bool:
    """Whether an effect is undone with its goal, or may happen again with it; else once is all."""
    return isinstance(effect, (Tag, Notify)) or (
        isinstance(effect, Grant) and effect.to == "member"
    )


def take_back(journey: Journey, step_id: str, effect: Effect, occurrence: int) -> None:
    """Reverse a grant whose goal is no longer reached; what was told or lent is left alone."""
    if not isinstance(effect, Grant) or effect.points == 0 or effect.to != "member":
        return
    key = journey.key(step_id, occurrence)
    if journey.tx.decisions.find(f"{key}:undone") is not None:
        return
    inputs: dict[str, Any] = {"points": 0}
    if journey.tx.decisions.find(bonus_undone(key)) is None:
        posted = journey.tx.ledger.reverse(f"{key}:undo", key, policy="debt")
        inputs = {"points": posted.points, "transaction": posted.key}
        if posted.member_id != journey.member.id:  # merged since: who lives on owes it
            carry_over(journey.tx, f"{key}:undo:merged", posted.member_id, journey.member.id)
        journey.spend(granted=-effect.points, reserved=effect.points)
    journey.decide(f"{key}:undone", step_id, "reversed", "goal_undone", inputs=inputs)
    journey.did.append(f"take back {inputs['points']} points")


def _recipient(journey: Journey, to: str) -> Member | Refusal:
    """Whom an effect is for, or why it is for nobody."""
    if to == "member":
        return journey.member
    inviter_id = journey.member.inviter_id
    inviter = journey.tx.members.get(inviter_id) if inviter_id else None
    if inviter is None or inviter.status != "active":
        return Refusal("no_inviter", {})
    # Admission kept points for an inviter where there was one; a merger may have brought this one.
    kept = journey.enrolment.granted_points + journey.enrolment.reserved_points
    if kept < most_points(journey.version.plan):
        return Refusal("inviter_came_later", {})
    return inviter


def _grant(journey: Journey, key: str, step_id: str, effect: Grant, reason: str) -> None:
    tx = journey.tx
    to = _recipient(journey, effect.to)
    if isinstance(to, Refusal):
        journey.decide(key, step_id, "skipped", to.reason)
        return
    if effect.points == 0:
        journey.remember({"step.points": 0})
        journey.decide(key, step_id, "skipped", "nothing_to_give")
        return
    expires_at = (
        shift(tx.now, effect.expires_after, tx.programme.tz)
        if effect.expires_after
        else tx.programme.expiry.of(tx.now, tx.now, tx.programme.tz)
    )
    posted = tx.ledger.earn(
        key,
        to.id,
        effect.points,
        kind="grant",
        expires_at=expires_at,
        source=journey.campaign.id,
        campaign_id=journey.campaign.id,
        meta={"campaign": journey.campaign.id, "step": step_id, "reason": reason},
    )
    journey.spend(granted=effect.points, reserved=-effect.points)
    journey.remember({"step.points": effect.points})
    journey.decide(
        key,
        step_id,
        "done",
        reason,
        inputs={
            "points": effect.points,
            "to": effect.to,
            "recipient": to.id,
            "transaction": posted.key,
        },
    )
    journey.did.append(f"grant {effect.points} points")


def _card(journey: Journey, key: str, step_id: str, effect: Card, reason: str) -> None:
    tx = journey.tx
    ends_at = shift(tx.now, effect.lasts, tx.programme.tz)
    tx.cards.add(
        CardHeld(
            key=key,
            member_id=journey.member.id,
            campaign_id=journey.campaign.id,
            multiplier_bp=effect.multiplier_bp,
            starts_at=tx.now,
            ends_at=ends_at,
        )
    )
    multiplier = f"{Decimal(effect.multiplier_bp) / BASIS:f}"
    journey.remember({"card.multiplier": multiplier, "card.ends_on": ends_at.isoformat()})
    journey.decide(
        key, step_id, "done", reason, inputs={"multiplier_bp": effect.multiplier_bp}, until=ends_at
    )
    journey.did.append("card")


def _coupon(journey: Journey, key: str, step_id: str, effect: Coupon, reason: str) -> None:
    tx = journey.tx
    ends_at = shift(tx.now, effect.lasts, tx.programme.tz)
    tx.cards.coupon(key, journey.member.id, journey.campaign.id, effect.coupon, ends_at)
    journey.decide(key, step_id, "done", reason, inputs={"coupon": effect.coupon}, until=ends_at)
    journey.did.append(f"coupon {effect.coupon}")


def _tag(journey: Journey, key: str, step_id: str, effect: Tag, reason: str) -> None:
    kept = [t for t in journey.member.tags if t not in effect.remove]
    tags = (*kept, *(t for t in effect.add if t not in kept))
    journey.member = replace(journey.member, tags=tags)
    journey.tx.members.save(journey.member)
    inputs = {"added": list(effect.add), "removed": list(effect.remove)}
    journey.decide(key, step_id, "done", reason, inputs=inputs)
    journey.did.append("tag")


def withdraw(journey: Journey, said: Sequence[tuple[str, Notify]]) -> None:
    """Give up messages, by step, that are still in line and no longer true."""
    keys = [
        f"{journey.key(step_id)}:{channel}"
        for step_id, notify in said
        for channel in notify.channels
    ]
    if keys:
        journey.tx.messages.withdraw(keys)


def _notify(
    journey: Journey,
    key: str,
    step_id: str,
    effect: Notify,
    reason: str,
    until: datetime | None,
) -> None:
    to = _recipient(journey, effect.to)
    if isinstance(to, Refusal):
        journey.decide(key, step_id, "skipped", to.reason, inputs={"message": effect.message})
        return
    variables = variables_for(
        journey.tx, to, journey.campaign, journey.version, journey.enrolment.remembered
    )
    lined_up = [
        NewMessage(
            key=f"{key}:{channel}",
            member_id=to.id,
            message=effect.message,
            channel=channel,
            purpose=effect.purpose,
            locale=to.locale,
            variables=variables,
            campaign_id=journey.campaign.id,
            version=journey.version.version,
            enrolment_id=journey.enrolment.id,
            expires_at=until,
        )
        for channel in effect.channels
    ]
    for new, queued in zip(lined_up, journey.tx.messages.queue_many(lined_up), strict=True):
        verdict, because = said(queued, reason)
        journey.decide(
            new.key,
            step_id,
            verdict,
            because,
            inputs={"message": new.message, "channel": new.channel, "because": reason},
            until=queued.verdict.until,
        )
    journey.did.append(f"notify {effect.message}")


def said(queued: Queued, reason: str) -> tuple[str, str]:
    """A decision's verdict and reason for a message, from the contact gate's word."""
    verdict = {"send": "done", "defer": "deferred", "drop": "skipped"}[queued.verdict.verdict]
    return verdict, reason if verdict == "done" else queued.verdict.reason
