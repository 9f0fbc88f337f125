"""Which names each message may use, from the places where the journey sends it.

A name is known where it is known on every way to that place: after a `card` step, `card.ends_on`;
in a reminder, `wait.ends_on`. A message sent from several places may use what all of them know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from loyalty.journeys.plan import Goal
from loyalty.message_context import (
    ALWAYS,
    CARD,
    OFFER,
    STEP,
    WAIT,
    WAIT_GOAL,
    Variable,
    VariableType,
    goal_variables,
    shown,
)
from loyalty.templates import Parameter

_TYPES: dict[str, VariableType] = {
    "points": "points", "days": "count", "count": "count", "money_minor": "money",
    "percent": "percent", "multiplier": "multiplier", "datetime": "datetime", "bool": "yes_no",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What has happened on every way to one place of a journey."""

    granted: bool = False
    card: bool = False
    waiting: tuple[Goal, ...] = ()  # the goals of the wait it is in, or just came out of
    goal: bool = False  # one goal is meant

    def variables(self) -> tuple[Variable, ...]:
        found = list(ALWAYS)
        found += STEP if self.granted else ()
        found += CARD if self.card else ()
        if self.waiting:
            found += WAIT
            found += WAIT_GOAL if self.goal or len(self.waiting) == 1 else ()
            found += [v for g in self.waiting for v in goal_variables(g.id, g.count)]
        return tuple(found)

    def both(self, other: "Known") -> "Known":
        """What is known where two ways meet; a wait is behind both of them."""
        return Known(self.granted and other.granted, self.card and other.card)

    def after_wait(self) -> "Known":
        return replace(self, waiting=(), goal=False)


@dataclass(slots=True)
class MessagePlaces:
    """Collects where messages are sent while a template is compiled."""

    common: tuple[Variable, ...]  # parameters, and the offer if there is one
    _found: dict[str, tuple[Variable, ...]] = field(default_factory=dict)

    def sent(self, message: str, known: Known) -> None:
        here = known.variables() + self.common
        before = self._found.get(message)
        self._found[message] = here if before is None else tuple(v for v in before if v in here)

    def variables(self) -> dict[str, tuple[Variable, ...]]:
        return dict(sorted(self._found.items()))


def shown_values(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter as messages carry it, by dotted name."""
    return {f"values.{n}": shown(_type(p), values[n]) for n, p in parameters.items()}


def _type(parameter: Parameter) -> VariableType:
    return _TYPES.get(parameter.type, "text")


def common_variables(
    parameters: Mapping[str, Parameter], values: Mapping[str, Any], exchange: bool
) -> tuple[Variable, ...]:
    """`values.<parameter>` for each parameter, so that texts state exact figures; the offer."""
    own = tuple(
        Variable(
            name=f"values.{name}",
            type=_type(parameter),
            example=values[name],
            meaning=parameter.label.en,
        )
        for name, parameter in parameters.items()
    )
    return own + (OFFER if exchange else ())
