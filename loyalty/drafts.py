"""Drafts: a campaign taken as the beginning of another, and a draft thrown away."""

from loyalty.admission import compiled
from loyalty.campaigns import add_draft, locked_draft
from loyalty.errors import KeyReused, Unknown
from loyalty.ports import Transaction
from loyalty.records import Campaign


def duplicate(
    tx: Transaction, campaign_id: str, new_id: str, name: str, actor: str
) -> tuple[Campaign, bool]:
    """A draft that says what a campaign's present version says, texts and all.

    The same id and name again give the draft that is there, and True.
    """
    source = tx.campaigns.get(campaign_id)
    if source is None:
        raise Unknown("campaign", campaign_id)
    made = compiled(tx.campaigns.version(source.id, source.version))
    there = tx.campaigns.get(new_id)
    if there is not None:
        known = compiled(tx.campaigns.version(there.id, 1))
        if known.hash != made.hash or there.name != name:
            raise KeyReused("campaign", new_id)
        return there, True
    drafted = add_draft(tx, new_id, name, made, actor, {"copied_from": source.id})
    return drafted, False


def discard(tx: Transaction, campaign_id: str, actor: str) -> None:
    """Throw a draft away; nobody ever met it. Its id is not used again."""
    campaign = locked_draft(tx, campaign_id)
    tx.campaigns.remove(campaign.id)
    said = {"version": campaign.version, "name": campaign.name}
    tx.audit.add(actor, "campaign.discard", campaign.id, detail=said)
