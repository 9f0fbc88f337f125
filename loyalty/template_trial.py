"""A template tried on one member before it is saved: the journey they would have, step by step.

It is played on paper by the very functions that run campaigns. Nothing is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loyalty.campaigns import version_of
from loyalty.journeys.compile import compile_example
from loyalty.members import Member
from loyalty.message_preview import Say, Words
from loyalty.ports import Transaction
from loyalty.records import Campaign
from loyalty.rehearsal import shown_member
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.contact import Said
from loyalty.simulation.play import Simulation, simulate
from loyalty.templates import Template

TRIAL_ID = "~trial"
"""No campaign can have it: it is not of the form of their ids."""


@dataclass(frozen=True, slots=True)
class Read:
    """A message as the member would read it, at the instant it was put in line."""

    said: Said
    words: Words


@dataclass(frozen=True, slots=True)
class Trial:
    member: Member
    simulation: Simulation
    messages: tuple[Read, ...]

    @property
    def points(self) -> int:
        """What the template would give the member in these days."""
        given = [each for each in self.simulation.credits if each.campaign_id == TRIAL_ID]
        return sum(each.points for each in given if each.member_id == self.member.id)


def try_out(
    tx: Transaction,
    template: Template,
    values: Mapping[str, Any],
    member_id: str | None,
    assumption: Assumption,
    say: Say,
    locale: str = "en",
) -> Trial:
    """The next days of a member (none = a sample) whom a campaign of this template met now.

    Values that are left out are the template's defaults and examples. Raises Invalid where they do
    not fit, Unknown for the member.
    """
    programme = tx.programme
    made = compile_example(template, values, zone=programme.tz, event_types=programme.known_events)
    member = shown_member(tx, member_id, locale)
    version = version_of(tx, TRIAL_ID, 1, made, TRIAL_ID)
    campaign = Campaign(
        id=TRIAL_ID,
        name=getattr(template.title, locale),
        template=template.name,
        state="draft",
        version=1,
        created_at=tx.now,
        budget_points=made.budget_points,
    )
    played = simulate(tx, campaign, version, member, assumption)
    messages = tuple(
        Read(each, say(version.messages, each.new.message, each.new.locale, each.new.variables))
        for each in played.messages
    )
    return Trial(member, played, messages)
