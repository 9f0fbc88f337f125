"""What a marketer sees of an audience before anybody is told anything: figures, and ten people."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from loyalty.programme import Channel, Purpose


@dataclass(frozen=True, slots=True)
class Sample:
    """One member of it: the id, and of the name no more than tells people apart."""

    id: str
    name: str | None
    tier: str


@dataclass(frozen=True, slots=True)
class AudienceSize:
    """How many active members fit now, and how many of them a message may reach, by its purpose.

    `exact` is false where not all who might fit were asked. `entries`: how often those who fit
    would have entered a campaign, if that was asked.
    """

    count: int
    exact: bool
    samples: tuple[Sample, ...]
    reachable: Mapping[Purpose, Mapping[Channel, int]]
    entries: int = 0


def masked(name: str | None) -> str | None:
    """A name's first letters: `L*** Z***`, `王**`."""
    if name is None or not name.strip():
        return None
    return " ".join(part[0] + ("**" if ord(part[0]) > 0x2E80 else "***") for part in name.split())


def scaled(size: AudienceSize, most: int, looked_at: int) -> AudienceSize:
    """The same for all of `most` members, judging by those who were looked at."""

    def all_of(n: int) -> int:
        return round(n * most / looked_at)

    reachable = {
        purpose: {channel: all_of(n) for channel, n in by_channel.items()}
        for purpose, by_channel in size.reachable.items()
    }
    return replace(
        size,
        count=all_of(size.count),
        exact=False,
        reachable=reachable,
        entries=all_of(size.entries),
    )
