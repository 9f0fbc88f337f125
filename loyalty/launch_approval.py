"""Launching by two people, where the programme asks for it: one asks, another approves.

A request is for one version, and so is the word of whoever read it. Changing the draft takes the
request back, and whoever asked cannot approve. What was asked, approved and declined stays in the
audit trail.
"""

from dataclasses import replace

from loyalty.campaigns import draft_as_read, open_campaign, refuse_launch
from loyalty.errors import WrongState
from loyalty.member_moves import SecondPersonNeeded
from loyalty.ports import Transaction
from loyalty.records import Campaign, LaunchRequest


def approve(tx: Transaction, campaign_id: str, version: int, actor: str) -> Campaign:
    """Launch what somebody else asked for, if it is still the version that was read.

    Raises SecondPersonNeeded for whoever asked.
    """
    campaign, request = _waiting(tx, campaign_id, version)
    if request.requested_by == actor:
        raise SecondPersonNeeded(
            "Who asked for a launch does not approve it: another person has to.",
            requested_by=request.requested_by,
        )
    refuse_launch(tx, campaign)
    said = {"version": campaign.version, "requested_by": request.requested_by}
    tx.audit.add(actor, "campaign.approve_launch", campaign.id, detail=said)
    tx.campaigns.drop_launch_request(campaign.id)
    return open_campaign(tx, campaign, actor)


def decline(
    tx: Transaction, campaign_id: str, version: int, reason: str, actor: str
) -> LaunchRequest:
    """Say no, and why; whoever asked may take their own request back the same way."""
    campaign, request = _waiting(tx, campaign_id, version)
    declined = replace(
        request, state="declined", decided_by=actor, decided_at=tx.now, reason=reason
    )
    tx.campaigns.save_launch_request(declined)
    said = {"version": campaign.version, "requested_by": request.requested_by}
    tx.audit.add(actor, "campaign.decline_launch", campaign.id, reason, said)
    return declined


def _waiting(tx: Transaction, campaign_id: str, version: int) -> tuple[Campaign, LaunchRequest]:
    campaign = draft_as_read(tx, campaign_id, version)
    request = tx.campaigns.launch_request(campaign_id)
    if request is None or request.state != "waiting" or request.version != campaign.version:
        raise WrongState(
            f"Nobody asks for the launch of campaign {campaign_id!r} as it is now.",
            state=campaign.state,
        )
    return campaign, request
