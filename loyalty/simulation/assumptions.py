"""What a simulation assumes that the member does: nothing, one purchase, or all that is wanted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from loyalty.conditions import EVENT, Condition
from loyalty.journeys.goals import event_facts
from loyalty.journeys.plan import Goal
from loyalty.records import InboxEvent
from loyalty.timing import TICK, Length, shift, start_of_day

Kind = Literal["nothing", "purchase", "everything"]
USUAL_MINOR = 10_000
"""The purchase that is assumed where nobody says another sum."""
TRIES_MAX, TRIES_IN_ALL = 500, 5_000
"""Acts tried for one goal of one wait, and in a whole simulation: each asks the condition once."""
_NUMBERS = re.compile(r"\d+")
_TEXTS = re.compile(r"""["']([^"'\\\n]{1,64})["']""")
_ATTRIBUTES = re.compile(r"event\.attributes\.([a-z][a-z0-9_]{0,47})")


class Assumption(BaseModel):
    """`purchase`: one purchase of `minor` on day `day`, the first day being 0. `everything`: in
    each wait all its goals are reached, one act a day. `almost`: all but the last act of each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = "nothing"
    day: int = Field(3, ge=0, le=90, strict=True)
    minor: int = Field(
        USUAL_MINOR, ge=1, le=10**9, strict=True, description="minor units of a purchase"
    )
    almost: bool = Field(
        False, strict=True, description="with everything: each goal stops one act short"
    )


@dataclass(frozen=True, slots=True)
class Act:
    """Something the member is assumed to do."""

    type: str
    minor: int = USUAL_MINOR
    store: str | None = None
    channel: str | None = None
    category: str = "grocery"
    sku: str = "assumed"
    attributes: tuple[tuple[str, str], ...] = ()

    def event(self, member_id: str, at: datetime) -> InboxEvent:
        """As a condition would see it."""
        line = {"category": self.category, "sku": self.sku}
        return InboxEvent(
            seq=0,
            source="assumed",
            event_id="",
            type=self.type,
            member_id=member_id,
            occurred_at=at,
            recorded_at=at,
            body={"lines": [line], "attributes": dict(self.attributes)},
            answer={},
            body_hash="",
            store=self.store,
            channel=self.channel,
            amount_minor=self.minor if self.type == "purchase" else None,
        )


@dataclass(slots=True)
class Search:
    """Looks for acts that count, for one simulation; after so many tries it gives up."""

    left: int = TRIES_IN_ALL

    def act_for(
        self, goal: Goal, facts: Mapping[str, object], member_id: str, at: datetime
    ) -> Act | None:
        """An act that counts for a goal; none where no plain act would fit its condition.

        A condition asks nothing of when the act happens, so one answer serves all of a wait.
        """
        if goal.where is None:
            return Act(goal.on)
        condition = Condition(goal.where, EVENT)
        for act in islice(_tries(goal.on, goal.where), min(TRIES_MAX, self.left)):
            self.left -= 1
            if condition.fits({**facts, **event_facts(act.event(member_id, at))}):
                return act
        return None


def _tries(type: str, where: str) -> Iterator[Act]:
    """Plain acts, then acts of the sums and words that the condition itself names."""
    said = (n for found in _NUMBERS.findall(where) for n in (int(found), int(found) + 1))
    sums = dict.fromkeys(minor for minor in (USUAL_MINOR, *said) if 0 < minor <= 10**9)
    names = tuple(dict.fromkeys(_ATTRIBUTES.findall(where)))
    for word in (None, *dict.fromkeys(_TEXTS.findall(where))):
        attributes = tuple((name, word or "yes") for name in names)
        for minor in sums:
            yield Act(type, minor, attributes=attributes)
            if word:
                words: dict[str, Any] = {"store": word, "channel": word[:32], "category": word}
                yield Act(type, minor, sku=word, attributes=attributes, **words)


def act_times(
    goal: Goal, count: int, began: datetime, until: datetime, zone: ZoneInfo
) -> list[datetime]:
    """When `count` acts for a goal are assumed: one a day at the hour the wait began.

    Where the days would not do: evenly before the deadline, or, of acts that count once a day, the
    first at once and the others as each day begins. Empty if not even so all of them fit.
    """
    daily = [shift(began, Length(days=n), zone) for n in range(1, count + 1)]
    if daily and daily[-1] >= until:
        if goal.once_per is None:
            part = (until - began) / (count + 1)
            daily = [began + part * n for n in range(1, count + 1)]
        else:
            days = [start_of_day(began, zone, n) for n in range(1, count)]
            daily = [began + TICK, *days]
    return daily if all(began < at < until for at in daily) else []
