"""A transaction on paper: use cases run in it as ever, and not a row is written.

What they read is the real snapshot with what the simulation did on top; what they write stays here.
So a simulated journey goes through the same turns, the same machine and the same gate as a live
one, and can differ from it only in what is assumed to happen.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from loyalty.admission import compiled
from loyalty.exchange_window import announce_offer, offer_of
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.records import Campaign, Version
from loyalty.simulation.contact import PaperMessages, PaperTiers
from loyalty.simulation.journeys import (
    PaperCampaigns,
    PaperDecisions,
    PaperEnrolments,
    PaperOffers,
    PaperOutbox,
)
from loyalty.simulation.people import PaperCards, PaperCounters, PaperInbox, PaperMembers
from loyalty.simulation.points import PaperLedger
from loyalty.simulation.sample import SAMPLE_ID, newcomer_standing, sample_balance


class Paper:
    """One member and one campaign; `now` is moved by whoever plays."""

    def __init__(
        self, real: Transaction, campaign: Campaign, version: Version, member: Member, now: datetime
    ) -> None:
        self.real = real
        self.now = self.started = now
        self.programme = real.programme
        self.member_id = member.id
        self.newcomer = real.members.get(member.id) is None
        self.members = PaperMembers(self, {member.id: member})
        self.inbox = PaperInbox(self)
        self.cards = PaperCards(self)
        self.counters = PaperCounters(self)
        self.ledger = PaperLedger(self)
        self.tiers = PaperTiers(self)
        self.messages = PaperMessages(self)
        if self.newcomer:
            self.messages.people[member.id] = newcomer_standing(member, self.programme)
        if member.id == SAMPLE_ID:
            self.ledger.known[SAMPLE_ID] = sample_balance(now)
        self.campaigns = PaperCampaigns(real, campaign, version)
        before = real.enrolments.of_member(campaign.id, member.id)
        self.enrolments = PaperEnrolments(self.campaigns, {each.id: each for each in before})
        self.decisions = PaperDecisions(real)
        self.outbox = PaperOutbox()
        self.offers = PaperOffers(real, real.offers.get(campaign.id))
        self.audit = _NoAudit()

    def __getattr__(self, name: str) -> Any:
        """Ports that a simulation only reads; a snapshot refuses whoever would write."""
        return getattr(self.real, name)

    @property
    def tx(self) -> Transaction:
        """The paper as what use cases take; what no turn asks of a port is not there."""
        return cast(Transaction, self)

    @property
    def member(self) -> Member:
        return self.members.lock(self.member_id)

    def open_draft(self) -> None:
        """Launch the campaign on paper, if it is a draft: from now on its hours count."""
        campaign = self.campaigns.campaign
        if campaign.state != "draft":
            return
        launched = replace(campaign, state="launched", launched_at=self.now)
        self.campaigns.campaign = replace(launched, position={}, wake_at=self.now)
        exchange = compiled(self.campaigns.shown).exchange
        if exchange is not None:
            announce_offer(self.tx, campaign.id, offer_of(exchange))


class _NoAudit:
    def add(self, *said: Any, **more: Any) -> None:
        """A simulation is nobody's act."""
