"""A campaign's life: drafted, launched, paused and resumed, stopped or finished.

The campaign row is the gate: pausing writes the row and broadcasts nothing, since every turn of
every journey asks it first. Versions are immutable; changing a campaign means making the next one,
and members who are under way keep theirs.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from loyalty.admission import Entry, compiled, consider
from loyalty.campaign_request import CampaignRequest, Check, compile_request
from loyalty.errors import ChangedMeanwhile, KeyReused, Unknown, WrongState, invalid_field
from loyalty.exchange_window import announce_offer, offer_of
from loyalty.journeys.compiled import Compiled
from loyalty.launch_rule import over_budget_rule
from loyalty.ports import Transaction
from loyalty.records import Campaign, CampaignState, Enrolment, LaunchRequest, Version
from loyalty.templates import Template


def draft(
    tx: Transaction, template: Template, request: CampaignRequest, actor: str, check_texts: Check
) -> Campaign:
    """Make a campaign that nobody meets yet. The same request again changes nothing."""
    made = compile_request(template, request, tx.programme, check_texts)
    there = tx.campaigns.get(request.id)
    if there is not None:
        known = compiled(tx.campaigns.version(there.id, 1))
        if known.hash != made.hash or there.name != request.name:
            raise KeyReused("campaign", request.id)
        return there
    tx.campaigns.keep_template(template)
    return add_draft(tx, request.id, request.name, made, actor)


def add_draft(
    tx: Transaction,
    campaign_id: str,
    name: str,
    made: Compiled,
    actor: str,
    detail: Mapping[str, Any] | None = None,
) -> Campaign:
    """Put a compiled campaign on record as version 1 of a draft; its template is kept already."""
    if tx.campaigns.versions(campaign_id):  # of a draft that was discarded
        raise KeyReused("campaign", campaign_id)
    campaign = Campaign(
        id=campaign_id,
        name=name,
        template=made.template,
        state="draft",
        version=1,
        created_at=tx.now,
        budget_points=made.budget_points,
    )
    tx.campaigns.add(campaign)
    tx.campaigns.add_version(version_of(tx, campaign.id, 1, made, actor))
    tx.audit.add(actor, "campaign.draft", campaign.id, detail={"version": 1, **(detail or {})})
    return campaign


def launch(tx: Transaction, campaign_id: str, version: int, actor: str) -> Campaign:
    """Open a drafted campaign, or ask a second person to where the programme wants two.

    `version` is the one the actor has read. Raises OverBudgetRule. Asked for again by anybody, a
    request that waits stays as it is.
    """
    campaign = draft_as_read(tx, campaign_id, version)
    refuse_launch(tx, campaign)
    if not tx.programme.launch.second_person:
        return open_campaign(tx, campaign, actor)
    known = tx.campaigns.launch_request(campaign.id)
    if known is None or known.state != "waiting" or known.version != campaign.version:
        tx.campaigns.save_launch_request(
            LaunchRequest(campaign.id, campaign.version, "waiting", actor, tx.now)
        )
        said = {"version": campaign.version}
        tx.audit.add(actor, "campaign.request_launch", campaign.id, detail=said)
    return campaign


def refuse_launch(tx: Transaction, campaign: Campaign) -> None:
    """Raises what forbids the launch of a draft as it is now."""
    rules = compiled(tx.campaigns.version(campaign.id, campaign.version))
    exchange = rules.exchange
    if exchange is not None and exchange.closes_at <= tx.now:
        raise invalid_field("closes_at", "past", "lies in the past")
    over = over_budget_rule(rules, tx.programme)
    if over is not None:
        raise over


def open_campaign(tx: Transaction, campaign: Campaign, actor: str) -> Campaign:
    """From here the campaign's durable workflow keeps its hours; `campaign` is a locked draft."""
    exchange = compiled(tx.campaigns.version(campaign.id, campaign.version)).exchange
    if exchange is not None:
        announce_offer(tx, campaign.id, offer_of(exchange))
    campaign = replace(campaign, state="launched", launched_at=tx.now)
    tx.campaigns.save(campaign)
    tx.outbox.add(
        "start_campaign",
        workflow_id(campaign.id),
        {
            "campaign_id": campaign.id,
            "version": campaign.version,
            "template": campaign.template,
        },
    )
    tx.audit.add(actor, "campaign.launch", campaign.id, detail={"version": campaign.version})
    return campaign


def locked_draft(tx: Transaction, campaign_id: str) -> Campaign:
    """The campaign, locked; raises Unknown, or WrongState once it is no draft."""
    return locked(tx, campaign_id, "launched", "draft")


def draft_as_read(tx: Transaction, campaign_id: str, version: int) -> Campaign:
    """The draft, locked; raises ChangedMeanwhile if it is no longer what somebody decides on."""
    campaign = locked_draft(tx, campaign_id)
    if campaign.version != version:
        raise ChangedMeanwhile(
            f"Campaign {campaign_id!r} was changed since you read it: it is at version "
            f"{campaign.version}. Read it, then decide anew.",
            campaign_id=campaign_id,
            read=version,
            version=campaign.version,
        )
    return campaign


def pause(tx: Transaction, campaign_id: str, reason: str, actor: str) -> Campaign:
    """Hold everything at its next step; nobody is lost, and events still count."""
    return _turn_to(tx, campaign_id, "paused", reason, actor, "launched")


def resume(tx: Transaction, campaign_id: str, reason: str, actor: str) -> Campaign:
    """Go on: whoever was held is woken, at a pace."""
    return _turn_to(tx, campaign_id, "launched", reason, actor, "paused")


def stop(tx: Transaction, campaign_id: str, reason: str, actor: str) -> Campaign:
    """End the campaign and every journey in it, at a pace; nothing more is given or sent."""
    return _turn_to(tx, campaign_id, "stopped", reason, actor, "launched", "paused")


def enrol(
    tx: Transaction, campaign_id: str, member_id: str, entry_key: str, actor: str
) -> Enrolment | None:
    """Let another system knock at the door for a member; the same questions are asked."""
    member = tx.members.lock(member_id)
    campaign = locked(tx, campaign_id, "entered", "launched", "paused")
    version = tx.campaigns.version(campaign.id, campaign.version)
    rules = compiled(version)
    if rules.enter is None:
        raise WrongState(f"Campaign {campaign_id!r} has no journey that a member could enter.")
    if rules.reentry.may_overlap:
        # A second run of one period would be rewarded for the same acts.
        raise WrongState(f"Campaign {campaign_id!r} is entered by its own calendar only.")
    entered = consider(tx, campaign, version, member, Entry(key=entry_key, since=tx.now))
    tx.audit.add(actor, "campaign.enrol", campaign.id, detail={"member": member_id})
    return entered


def workflow_id(campaign_id: str) -> str:
    return f"c/{campaign_id}"


def version_of(
    tx: Transaction, campaign_id: str, number: int, made: Compiled, actor: str
) -> Version:
    """A campaign as it is frozen."""
    return Version(
        campaign_id=campaign_id,
        version=number,
        template=made.template,
        body=made.model_dump(mode="json"),
        plan=made.plan,
        plan_hash=made.plan_hash,
        messages={
            name: {locale: text.model_dump() for locale, text in texts.items()}
            for name, texts in made.messages.items()
        },
        created_at=tx.now,
        created_by=actor,
    )


def _turn_to(
    tx: Transaction,
    campaign_id: str,
    state: CampaignState,
    reason: str,
    actor: str,
    *allowed: CampaignState,
) -> Campaign:
    campaign = locked(tx, campaign_id, state, *allowed)
    # The walk over the held or the stopped begins anew, whatever an earlier one left behind.
    position = {**campaign.position, "walk": None if state == "paused" else {"after": ""}}
    ended_at = tx.now if state == "stopped" else None
    campaign = replace(campaign, state=state, position=position, ended_at=ended_at)
    tx.campaigns.save(woken(tx, campaign, state))
    tx.audit.add(actor, f"campaign.{state}", campaign.id, reason)
    return campaign


def woken(tx: Transaction, campaign: Campaign, reason: str) -> Campaign:
    """The campaign with a turn due now, so that upkeep misses the turn if nobody takes it."""
    tx.outbox.add("nudge_campaign", workflow_id(campaign.id), {"reason": reason}, priority=1)
    position = {**campaign.position, "nudged_turn": campaign.turn}
    return replace(campaign, wake_at=tx.now, position=position)


def locked(tx: Transaction, campaign_id: str, done: str, *allowed: CampaignState) -> Campaign:
    if tx.campaigns.get(campaign_id) is None:
        raise Unknown("campaign", campaign_id)
    campaign = tx.campaigns.lock(campaign_id)
    if campaign.state not in allowed:
        raise WrongState(
            f"Campaign {campaign_id!r} is {campaign.state}; "
            f"only a campaign that is {' or '.join(allowed)} can be {done}.",
            state=campaign.state,
            allowed=list(allowed),
        )
    return campaign
