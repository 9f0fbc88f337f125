"""Campaign, journeys, decisions and offers of a simulation: written on paper, read beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from loyalty.errors import Unknown
from loyalty.journeys.compiled import EnterOnEvent
from loyalty.offers import Offer, OfferState, Standing
from loyalty.ports import Transaction
from loyalty.records import Campaign, Decision, Enrolment, OperatorCommand, Version


@dataclass(slots=True)
class PaperCampaigns:
    """The one campaign that is looked at; all others are left out. Who is under way keeps the
    version they entered with.
    """

    real: Transaction
    campaign: Campaign
    shown: Version

    def get(self, campaign_id: str) -> Campaign | None:
        return self.campaign if campaign_id == self.campaign.id else None

    def lock(self, campaign_id: str) -> Campaign:
        return self.campaign

    def save(self, campaign: Campaign) -> None:
        counters = (self.campaign.granted_points, self.campaign.reserved_points)
        self.campaign = replace(campaign, granted_points=counters[0], reserved_points=counters[1])

    def version(self, campaign_id: str, version: int) -> Version:
        if version == self.shown.version:
            return self.shown
        return self.real.campaigns.version(campaign_id, version)

    def entered_by(self, event_type: str) -> Sequence[tuple[Campaign, Version]]:
        enter = self.shown.body.get("enter") or {}
        opens = enter.get("kind") == EnterOnEvent.model_fields["kind"].default
        if opens and enter.get("on") == event_type:
            return [(self.campaign, self.shown)]
        return []

    def reserve(self, campaign_id: str, points: int) -> bool:
        if not self.campaign.has_room(points):
            return False
        self.spend(campaign_id, granted=0, reserved=points)
        return True

    def spend(self, campaign_id: str, *, granted: int, reserved: int) -> None:
        self.campaign = replace(
            self.campaign,
            granted_points=self.campaign.granted_points + granted,
            reserved_points=self.campaign.reserved_points + reserved,
        )


@dataclass(slots=True)
class PaperEnrolments:
    """The member's journeys: those that are there, and those that the simulation begins."""

    campaigns: PaperCampaigns
    rows: dict[str, Enrolment]
    waits: dict[str, frozenset[str]] = field(default_factory=dict)

    def get(self, enrolment_id: str) -> Enrolment | None:
        return self.rows.get(enrolment_id)

    def lock(self, enrolment_id: str) -> Enrolment:
        if enrolment_id not in self.rows:
            raise Unknown("enrolment", enrolment_id)
        return self.rows[enrolment_id]

    def for_turn(self, enrolment_id: str) -> tuple[Enrolment, Campaign, bool]:
        return self.lock(enrolment_id), self.campaigns.campaign, False

    def add(self, enrolment: Enrolment) -> bool:
        if enrolment.id in self.rows:
            return False
        self.rows[enrolment.id] = enrolment
        return True

    def save(self, enrolment: Enrolment) -> None:
        self.rows[enrolment.id] = enrolment

    def of_member(self, campaign_id: str, member_id: str) -> Sequence[Enrolment]:
        return [e for e in self.rows.values() if e.member_id == member_id]

    def waiting_for(self, member_id: str, event_type: str) -> Sequence[Enrolment]:
        return [
            e
            for e in self.of_member("", member_id)
            if e.state != "ended" and event_type in self.waits.get(e.id, ())
        ]

    def live(self, campaign_id: str, after: str, limit: int) -> Sequence[Enrolment]:
        return [e for e in self.rows.values() if e.state != "ended" and e.id > after][:limit]

    def count_live(self, campaign_id: str) -> int:
        return len(self.live(campaign_id, "", len(self.rows)))

    def open_wait(
        self,
        enrolment: Enrolment,
        event_types: Iterable[str],
        since: datetime,
        until: datetime,
        closes_at: datetime,
    ) -> None:
        self.hear(enrolment.id, event_types)

    def hear(self, enrolment_id: str, event_types: Iterable[str]) -> None:
        """Wake the journey by acts of these types."""
        self.waits[enrolment_id] = frozenset(event_types)

    def close_wait(self, enrolment_id: str) -> None:
        self.waits.pop(enrolment_id, None)

    def commands(self, enrolment_id: str) -> Sequence[OperatorCommand]:
        return ()

    # A campaign's own goal is for reports; no step of a journey asks for it.

    def watch_goal(self, enrolment: Enrolment, event_type: str) -> None:
        pass

    def goals_watched(self, member_id: str, event_type: str) -> Sequence[Enrolment]:
        return ()


@dataclass(slots=True)
class PaperDecisions:
    """What was decided, in order; the first word on a key stands."""

    real: Transaction
    made: list[Decision] = field(default_factory=list)
    keys: dict[str, Decision] = field(default_factory=dict)

    def add(self, decision: Decision) -> None:
        if decision.key not in self.keys:
            self.keys[decision.key] = decision
            self.made.append(decision)

    def add_many(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self.add(decision)

    def find(self, key: str) -> Decision | None:
        return self.keys.get(key) or self.real.decisions.find(key)


@dataclass(slots=True)
class PaperOutbox:
    """What the relay would carry, with the instant from which it may."""

    lines: list[tuple[datetime | None, str, str]] = field(default_factory=list)

    def add(
        self,
        kind: str,
        workflow_id: str,
        payload: Mapping[str, Any],
        *,
        available_at: datetime | None = None,
        priority: int = 3,
    ) -> None:
        self.lines.append((available_at, kind, workflow_id))

    def take(self, now: datetime) -> tuple[str, str] | None:
        """The first line that is due, taken out: kind and workflow."""
        for place, (available_at, kind, workflow_id) in enumerate(self.lines):
            if available_at is None or available_at <= now:
                del self.lines[place]
                return kind, workflow_id
        return None

    def next_at(self) -> datetime | None:
        return min((at for at, _, _ in self.lines if at is not None), default=None)


@dataclass(slots=True)
class PaperOffers:
    """The campaign's offer; its stock is as it is now, and others' claims stay as they are."""

    real: Transaction
    offer: Offer | None

    def get(self, offer_id: str) -> Offer | None:
        return self.offer

    def add(self, offer: Offer) -> bool:
        if self.offer is not None:
            return False
        self.offer = offer
        return True

    def move(self, offer_id: str, before: OfferState, after: OfferState) -> bool:
        if self.offer is None or self.offer.state != before:
            return False
        self.offer = replace(self.offer, state=after)
        return True

    def standing(self, offer_id: str, now: datetime) -> Standing:
        if self.real.offers.get(offer_id) is not None:
            return self.real.offers.standing(offer_id, now)
        remaining = self.offer.remaining if self.offer else 0
        return Standing(remaining=remaining, reserved=0, confirmed=0, overdue=0)

    def taken(self, offer_id: str, member_ids: Sequence[str], now: datetime) -> Mapping[str, int]:
        return self.real.offers.taken(offer_id, member_ids, now)
