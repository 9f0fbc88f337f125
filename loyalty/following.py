"""What an event sets going: journeys that wait for it, and campaigns that it opens."""

from dataclasses import replace
from datetime import datetime

from loyalty import attainment
from loyalty.admission import Entry, compiled, consider
from loyalty.events import CLOCK_SKEW
from loyalty.journeys.machine import Sleep, advance
from loyalty.journeys.sight import Sight
from loyalty.journeys.waking import nudge
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.records import Enrolment, InboxEvent
from loyalty.tiers.changes import after as tier_after
from loyalty.timing import TICK


def follow(tx: Transaction, member: Member, event: InboxEvent, seq: int) -> None:
    """What an event sets going: tiers, journeys that wait for it, and campaigns that it opens."""
    if event.seq != seq:
        event = replace(event, seq=seq)
    changed = tier_after(tx, member, event)
    if changed is not None:
        member = changed.member
    nudge_waiting(tx, member, event.type, f"{event.type} {seq}")
    for campaign, version in tx.campaigns.entered_by(event.type):
        once = compiled(version).reentry.rule == "once_per_member"
        entry = Entry(
            key="once" if once else str(seq),
            since=counts_after(event),
            event=event,
            priority=1,
        )
        consider(tx, campaign, version, member, entry)
    if changed is not None and changed.event is not None:
        follow(tx, member, changed.event, changed.event.seq)


def counts_after(event: InboxEvent) -> datetime:
    """Acts after this instant count for the journey an event opens; the event itself never does.

    Who registers at the till buys in the same breath, and the till's clock may be behind ours.
    """
    skew = CLOCK_SKEW if event.type == "member.registered" else TICK
    return event.occurred_at - skew


def nudge_waiting(tx: Transaction, member: Member, event_type: str, reason: str) -> None:
    """Wake each journey waiting on this type whose next move is no longer to sleep, and judge the
    goals that its campaigns are measured by.
    """
    attainment.judge(tx, member, event_type)
    for enrolment in tx.enrolments.waiting_for(member.id, event_type):
        if _moves(tx, member, enrolment):
            nudge(tx, enrolment, reason)


def _moves(tx: Transaction, member: Member, enrolment: Enrolment) -> bool:
    plan = tx.campaigns.version(enrolment.campaign_id, enrolment.version).plan
    seen = Sight(tx, member, plan, enrolment).at(enrolment.position)
    return not isinstance(advance(plan, enrolment.position, seen), Sleep)
