"""What a campaign itself does at given instants: tell everybody, open, close.

Moments belong to the campaign, not to a member's journey: a broadcast needs no workflow per member.
"""

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from loyalty.journeys.plan import Model, Notify, StepId
from loyalty.timing import Length, shift


class Tell(Model):
    """Send one message to every member of the audience whom `where` fits at that instant.

    `where` is a condition over OFFER when the campaign has an exchange, else over MEMBER.
    """

    do: Literal["tell"] = "tell"
    notify: Notify
    where: str | None = None


class Open(Model):
    """The exchange takes claims from now on."""

    do: Literal["open"] = "open"


class Close(Model):
    """The exchange takes no more claims."""

    do: Literal["close"] = "close"


class CampaignMoment(Model):
    id: StepId
    at: datetime
    minus: Length | None = None  # counted back by the wall clock of the programme's zone
    act: Annotated[Tell | Open | Close, Field(discriminator="do")]


def due_at(moment: CampaignMoment, zone: ZoneInfo) -> datetime:
    """The instant at which a moment comes."""
    return shift(moment.at, moment.minus, zone, sign=-1) if moment.minus else moment.at


def over_at(
    moment: CampaignMoment, moments: tuple[CampaignMoment, ...], zone: ZoneInfo
) -> datetime | None:
    """When the next opening or closing makes what a moment tells untrue; none = never."""
    coming = in_order(moments, zone)
    place = next(i for i, (_, each) in enumerate(coming) if each.id == moment.id)
    return next((at for at, each in coming[place:] if not isinstance(each.act, Tell)), None)


def in_order(
    moments: tuple[CampaignMoment, ...], zone: ZoneInfo
) -> list[tuple[datetime, CampaignMoment]]:
    """All moments with their instants, soonest first; at one instant in the template's order."""
    return sorted(((due_at(m, zone), m) for m in moments), key=lambda pair: pair[0])
