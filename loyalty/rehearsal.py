"""A campaign looked at before anybody meets it, through the eyes of one member.

The same few questions whoever asks: which version, which member, in which language; then every
message, or the days to come. Nothing is written.
"""

from dataclasses import replace

from loyalty.admission import compiled
from loyalty.campaigns import refuse_launch
from loyalty.earning.activate import rules_at
from loyalty.errors import LoyaltyError, Unknown
from loyalty.estimate import Estimate, EstimateFacts, estimate
from loyalty.members import Member
from loyalty.message_preview import Preview, Say, Shown
from loyalty.ports import Transaction
from loyalty.records import Campaign, Version
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.play import DAYS, Simulation, simulate
from loyalty.simulation.sample import sample_member


def shown_version(
    tx: Transaction, campaign_id: str, number: int | None = None
) -> tuple[Campaign, Version]:
    """The campaign, and a version of it: the present one, unless another is named."""
    campaign = tx.campaigns.get(campaign_id)
    if campaign is None:
        raise Unknown("campaign", campaign_id)
    version = tx.campaigns.version(campaign_id, number or campaign.version)
    # A look at another version is a look at a campaign that would run it.
    budget = compiled(version).budget_points if number else campaign.budget_points
    return replace(campaign, version=version.version, budget_points=budget), version


def shown_member(tx: Transaction, member_id: str | None, locale: str) -> Member:
    """A real member, or one who does not exist and speaks `locale`."""
    if member_id is None:
        return sample_member(tx.programme, tx.now, locale)
    member = tx.members.get(member_id)
    if member is None:
        raise Unknown("member", member_id)
    return member


def preview(
    tx: Transaction,
    campaign_id: str,
    number: int | None,
    member_id: str | None,
    locale: str | None,
    say: Say,
) -> tuple[Member, str, list[Shown]]:
    """Every message for the member, in their language unless another is wished."""
    campaign, version = shown_version(tx, campaign_id, number)
    member = shown_member(tx, member_id, locale or tx.programme.locales[0])
    spoken = locale or member.locale
    return member, spoken, Preview(tx, campaign, version, member, say).messages(spoken)


def calendar(
    tx: Transaction,
    campaign_id: str,
    number: int | None,
    member_id: str | None,
    assumption: Assumption,
    *,
    locale: str = "en",
    days: int = DAYS,
) -> tuple[Member, Simulation]:
    """The member's next days in the campaign, if what is assumed happens."""
    campaign, version = shown_version(tx, campaign_id, number)
    member = shown_member(tx, member_id, locale)
    return member, simulate(tx, campaign, version, member, assumption, days=days)


def estimated(
    tx: Transaction, campaign_id: str, number: int | None, facts: EstimateFacts
) -> Estimate:
    """What the campaign would do, from what was counted, and whether a launch would be refused."""
    campaign, version = shown_version(tx, campaign_id, number)
    return estimate(
        compiled(version), tx.programme, facts, rules_at(tx, tx.now), _refusal(tx, campaign)
    )


def _refusal(tx: Transaction, campaign: Campaign) -> LoyaltyError | None:
    try:
        refuse_launch(tx, campaign)
    except LoyaltyError as refusal:
        return refusal
    return None
