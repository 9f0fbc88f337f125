"""What a marketer sees of an audience before anybody is told anything: figures, and ten people."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from loyalty.programme import Channel


@dataclass(frozen=True, slots=True)
class Sample:
    """One member of it: the id, and of the name no more than tells people apart."""

    id: str
    name: str | None
    tier: str


@dataclass(frozen=True, slots=True)
class AudienceSize:
    """How many active members fit now, and how many of them a marketing message may reach.

    `exact` is false where a condition had to be asked member by member and not all were.
    """

    count: int
    exact: bool
    samples: tuple[Sample, ...]
    reachable: Mapping[Channel, int]


def masked(name: str | None) -> str | None:
    """A name's first letters: `L*** Z***`, `王**`."""
    if name is None or not name.strip():
        return None
    return " ".join(part[0] + ("**" if ord(part[0]) > 0x2E80 else "***") for part in name.split())


def scaled(size: AudienceSize, most: int, looked_at: int) -> AudienceSize:
    """The same for all of `most` members, judging by those who were looked at."""
    return replace(
        size,
        count=round(size.count * most / looked_at),
        exact=False,
        reachable={c: round(n * most / looked_at) for c, n in size.reachable.items()},
    )
