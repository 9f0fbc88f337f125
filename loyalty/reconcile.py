"""Waking what nothing else would wake: runs whose time came and went.

It should never be needed. It is, when somebody terminates a run in Temporal's own tools, when
Temporal is restored from an older backup, or when a step failed for good and has been mended. The
relay finds such a run when it has something to tell it, upkeep when its hour has passed.
"""

from dataclasses import replace

from loyalty.campaigns import workflow_id
from loyalty.journeys.waking import wake
from loyalty.ports import Transaction
from loyalty.records import Campaign, Enrolment


def look_again(tx: Transaction, enrolment_id: str) -> bool:
    """Start a run's workflow again where it left off, and wake it; false when it has ended.

    A workflow that runs is left as it is and only told to look.
    """
    found = tx.enrolments.get(enrolment_id)
    if found is None:
        return False
    tx.members.lock(found.member_id)
    enrolment = tx.enrolments.lock(enrolment_id)
    if enrolment.state == "ended":
        return False
    start_again(tx, enrolment, "upkeep")
    return True


def start_again(tx: Transaction, enrolment: Enrolment, reason: str) -> None:
    """Start a run's workflow where it left off, should it be dead, and wake it; locked before."""
    _start(tx, enrolment)
    wake(tx, enrolment.id, reason, priority=1)
    tx.enrolments.save(replace(enrolment, nudged_turn=enrolment.turn))


def found_dead(tx: Transaction, run_id: str) -> None:
    """A nudge reached nobody: start what should be there, a journey or a campaign, if any is.

    Its first turn looks at everything, so it is not nudged again: a run that fails at once is
    started once for each act that somebody wants it to see, and not over and over.
    """
    kind, _, name = run_id.partition("/")
    if kind == "j":
        enrolment = tx.enrolments.get(run_id)
        if enrolment is not None and enrolment.state != "ended":
            _start(tx, enrolment)
    elif kind == "c":
        campaign = tx.campaigns.get(name)
        if campaign is not None and campaign.state not in ("draft", "finished"):
            _start_campaign(tx, campaign)


def _start(tx: Transaction, enrolment: Enrolment) -> None:
    version = tx.campaigns.version(enrolment.campaign_id, enrolment.version)
    tx.outbox.add(
        "start_journey",
        enrolment.id,
        {
            "enrolment_id": enrolment.id,
            "campaign_id": enrolment.campaign_id,
            "version": enrolment.version,
            "template": enrolment.template,
            "member_ref": enrolment.member_id,
            "plan_hash": version.plan_hash,
            "turn": enrolment.turn,
            "again": True,
        },
    )


def look_again_at_campaign(tx: Transaction, campaign_id: str) -> bool:
    """The same for a campaign's own workflow."""
    campaign = tx.campaigns.lock(campaign_id)
    if campaign.state in ("draft", "finished"):
        return False
    _start_campaign(tx, campaign)
    tx.outbox.add("nudge_campaign", workflow_id(campaign.id), {"reason": "upkeep"})
    return True


def _start_campaign(tx: Transaction, campaign: Campaign) -> None:
    tx.outbox.add(
        "start_campaign",
        workflow_id(campaign.id),
        {
            "campaign_id": campaign.id,
            "version": campaign.version,
            "template": campaign.template,
            "turn": campaign.turn,
            "again": True,
        },
    )
