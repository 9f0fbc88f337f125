"""What a campaign would say of a member now, where it has decided nothing yet; nothing is written.

It asks the very questions of admission, and where they are all answered with yes it says what has
not happened: no pass yet, no event, nobody who knocked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loyalty.admission import Entry, compiled, facts_of, is_held_out, refusal_of
from loyalty.campaign_entry import next_entry
from loyalty.errors import Unknown
from loyalty.exchange_window import offer_facts
from loyalty.explain import OUTLOOK
from loyalty.journeys.compiled import Compiled, EnterByApi, EnterOnEvent
from loyalty.journeys.cost import most_points
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.records import Campaign, Decision, InboxEvent, Version

LOOK_BACK = timedelta(days=400)
"""How far back an event is looked for that would have opened a campaign."""


@dataclass(frozen=True, slots=True)
class _Case:
    tx: Transaction
    campaign: Campaign
    version: Version
    rules: Compiled
    member: Member

    def said(
        self, reason: str, inputs: Mapping[str, Any] | None = None, until: datetime | None = None
    ) -> Decision:
        return Decision(
            key="",
            campaign_id=self.campaign.id,
            version=self.campaign.version,
            member_id=self.member.id,
            step_id="entry",
            verdict=OUTLOOK,
            reason=reason,
            at=self.tx.now,
            inputs=inputs or {},
            until=until,
        )


def outlook(tx: Transaction, member_id: str, campaign_id: str) -> Decision:
    """As a decision that nobody took or wrote. Raises Unknown for either."""
    campaign = tx.campaigns.get(campaign_id)
    if campaign is None:
        raise Unknown("campaign", campaign_id)
    member = tx.members.get(member_id)
    if member is None:
        raise Unknown("member", member_id)
    version = tx.campaigns.version(campaign.id, campaign.version)
    case = _Case(tx, campaign, version, compiled(version), member)
    return _closed(case) or _refused(case) or _not_yet(case)


def _closed(case: _Case) -> Decision | None:
    """The campaign is not open to anybody."""
    campaign = case.campaign
    if campaign.state == "draft":
        return case.said("campaign_not_launched", {"state": campaign.state})
    if campaign.state in ("stopped", "finished"):
        return _came_too_late(case) or case.said("campaign_over", {"state": campaign.state})
    return None


def _refused(case: _Case) -> Decision | None:
    """The questions of admission, in their order."""
    tx, campaign, rules, member = case.tx, case.campaign, case.rules, case.member
    entry = Entry(key="outlook", since=tx.now)
    refusal = refusal_of(tx, campaign, rules, member, entry, facts_of(tx, member))
    if refusal is not None:
        return case.said(refusal.reason, refusal.inputs, refusal.until)
    most = most_points(case.version.plan, has_inviter=member.inviter_id is not None)
    if most and not campaign.has_room(most):
        return case.said("budget_exhausted", {"needed": most})
    if is_held_out(campaign, rules, member):
        return case.said("holdout")
    return None


def _not_yet(case: _Case) -> Decision:
    """Nothing stands against the member: what has to happen has not happened."""
    enter = case.rules.enter
    if case.campaign.state == "paused":
        return case.said("paused_now")
    if enter is None:
        return _announced(case)
    if isinstance(enter, EnterOnEvent):
        return _no_event(case, enter.on)
    if isinstance(enter, EnterByApi):
        return case.said("nobody_knocked")
    return _no_pass(case)


def _announced(case: _Case) -> Decision:
    tx, id = case.tx, case.campaign.id
    offer = tx.offers.get(id)
    if offer is None:
        return case.said("only_announcements")
    facts = offer_facts(tx, id, case.member.id)
    figures = {
        "offer_state": offer.state,
        "remaining": facts["offer.remaining"],
        "price": offer.points,
        "available": tx.ledger.balance(case.member.id).available,
    }
    return case.said("offer_not_claimed", figures)


def _no_event(case: _Case, on: str) -> Decision:
    last, launched = _last(case, on), case.campaign.launched_at
    if last is None:
        return case.said("event_never_came", {"on": on})
    if launched is not None and last.recorded_at < launched:
        figures = {"on": on, "happened": _iso(last.occurred_at), "launched": _iso(launched)}
        return case.said("event_before_launch", figures)
    return case.said("would_enter", {"enter": "event", "on": on})


def _came_too_late(case: _Case) -> Decision | None:
    """The event came when the campaign was over; what came in time has its decision."""
    enter, ended = case.rules.enter, case.campaign.ended_at
    if not isinstance(enter, EnterOnEvent) or ended is None:
        return None
    last = _last(case, enter.on)
    if last is None or last.recorded_at < ended:
        return None
    figures = {"on": enter.on, "recorded": _iso(last.recorded_at), "ended": _iso(ended)}
    return case.said("event_after_end", figures)


def _last(case: _Case, on: str) -> InboxEvent | None:
    now = case.tx.now
    soon = now + timedelta(days=1)
    events = case.tx.inbox.between(case.member.id, [on], now - LOOK_BACK, soon)
    return max(events, key=lambda event: event.recorded_at, default=None)


def _no_pass(case: _Case) -> Decision:
    tx, campaign = case.tx, case.campaign
    if campaign.position.get("pass"):
        return case.said("never_reached")
    coming = next_entry(campaign, case.rules, tx.now, tx.programme.tz)
    if coming is not None:
        return case.said("next_pass", {"next": _iso(max(coming, tx.now))})
    passed = campaign.position.get("passed_at")
    return case.said(
        "no_pass_left", {"passed": passed, "registered": _iso(case.member.registered_at)}
    )


def _iso(at: datetime) -> str:
    return at.isoformat()
