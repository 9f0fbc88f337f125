"""A campaign is changed: the next version, of the very template the campaign was drafted from.

A template that was written anew meanwhile, or came with another release, changes nothing here:
moving a campaign to it is asked for by name.
"""

from dataclasses import replace

from loyalty.admission import compiled
from loyalty.campaign_entry import hours_revised
from loyalty.campaign_request import CampaignRequest, Check, compile_request
from loyalty.campaigns import locked, version_of, woken
from loyalty.errors import ChangedMeanwhile, WrongState
from loyalty.journeys.compiled import Compiled
from loyalty.launch_rule import refused_change
from loyalty.ports import Transaction
from loyalty.records import Campaign, CampaignState
from loyalty.templates import Template


def revise(
    tx: Transaction,
    request: CampaignRequest,
    actor: str,
    check_texts: Check,
    *,
    version: int | None = None,
    state: CampaignState | None = None,
    move_to: Template | None = None,
) -> Campaign:
    """Make the next version: whoever enters from now on gets it, who is under way keeps theirs.

    `version` and `state` are those the actor has read; none = whatever they are by now. `move_to`
    is the campaign's template as it is now, for who wants that one from here on. The values of the
    present version again change nothing, so a repeated request does no harm. Raises
    ChangedMeanwhile.
    """
    campaign = locked(tx, request.id, "revised", "draft", "launched", "paused")
    present = compiled(tx.campaigns.version(campaign.id, campaign.version))
    template = move_to or tx.campaigns.kept_template(present.template_hash)
    made = compile_request(template, request, tx.programme, check_texts)
    if made.template != campaign.template:
        raise WrongState("A campaign keeps its template: make a new one.", template=made.template)
    if not may_change(campaign, present):
        raise WrongState("An exchange that was launched keeps its terms: make a new campaign.")
    if present.hash == made.hash:
        return campaign
    _refuse_unread(tx, campaign, version, state)
    if campaign.state != "draft" and (refused := refused_change(campaign, made, tx.programme)):
        raise refused
    number = campaign.version + 1
    tx.campaigns.keep_template(template)
    tx.campaigns.add_version(version_of(tx, campaign.id, number, made, actor))
    campaign = replace(
        campaign,
        version=number,
        budget_points=made.budget_points,
        position=hours_revised(campaign, made, tx.now, tx.programme.tz),
    )
    tx.campaigns.drop_launch_request(campaign.id)  # what was asked for is no longer what it is
    if campaign.state != "draft":
        # It sleeps until an hour of the old version.
        campaign = woken(tx, campaign, "revised")
    tx.campaigns.save(campaign)
    tx.audit.add(actor, "campaign.revise", campaign.id, detail={"version": number})
    return campaign


def may_change(campaign: Campaign, rules: Compiled) -> bool:
    """Whether a campaign can have a next version; what an exchange offers is told at its launch."""
    running = campaign.state in ("launched", "paused")
    return campaign.state == "draft" or (running and rules.exchange is None)


def _refuse_unread(
    tx: Transaction, campaign: Campaign, version: int | None, state: CampaignState | None
) -> None:
    """Nobody overwrites what they have not read, nor changes for members what was a draft."""
    launched = state == "draft" and campaign.state != "draft"
    if not launched and version in (None, campaign.version):
        return
    present = tx.campaigns.version(campaign.id, campaign.version)
    since = "launched" if launched else "changed"
    raise ChangedMeanwhile(
        f"Campaign {campaign.id!r} was {since} since you read it: it is {campaign.state}, at "
        f"version {campaign.version}. Read it, then change it anew.",
        campaign_id=campaign.id,
        read=version,
        version=campaign.version,
        state=campaign.state,
        created_by=present.created_by,
        created_at=present.created_at,
    )
