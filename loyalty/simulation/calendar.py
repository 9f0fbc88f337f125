"""A simulation as one table: when, what happens, and because of what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from loyalty.records import Decision, InboxEvent
from loyalty.simulation.play import Simulation

Kind = Literal[
    "entered", "points", "points_back", "card", "coupon", "tags", "message", "wait", "goal", "way",
    "wait_over", "end", "nothing", "act",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `because` is a code: the decision's reason, or `assumed` for what members do.

    `figures` are those of the decision, or of the act and what it earned.
    """

    at: datetime
    kind: Kind
    step_id: str
    because: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    verdict: str = "done"
    decision: Decision | None = None


def rows(simulation: Simulation) -> list[Row]:
    """Everything in the order in which it happens."""
    decided = [_of_decision(each) for each in simulation.decisions]
    acts = [_of_act(each) for each in simulation.acts if each.source == "assumed"]
    order = {id(row): n for n, row in enumerate([*acts, *decided])}
    return sorted([*acts, *decided], key=lambda row: (row.at, order[id(row)]))


def _of_act(event: InboxEvent) -> Row:
    figures: dict[str, Any] = {"type": event.type}
    if event.amount_minor is not None:
        figures |= {"amount_minor": event.amount_minor, "earned": event.answer.get("points", 0)}
    opens = event.event_id.startswith("opens/")
    return Row(event.occurred_at, "act", "", "opens" if opens else "assumed", figures)


def _of_decision(decision: Decision) -> Row:
    return Row(
        at=decision.at,
        kind=_kind(decision),
        step_id=decision.step_id,
        because=decision.reason.partition(":")[0],
        figures={**decision.inputs, **_way(decision)},
        until=decision.until,
        verdict=decision.verdict,
        decision=decision,
    )


_BY_VERDICT: Mapping[str, Kind] = {
    "admitted": "entered",
    "held_out": "nothing",
    "not_admitted": "nothing",
    "waiting": "wait",
    "ended": "end",
    "reversed": "points_back",
}
_BY_FIGURE: Sequence[tuple[str, Kind]] = (
    ("channel", "message"),
    ("message", "message"),
    ("recipient", "points"),
    ("multiplier_bp", "card"),
    ("coupon", "coupon"),
    ("added", "tags"),
)


def _kind(decision: Decision) -> Kind:
    if decision.verdict in _BY_VERDICT:
        return _BY_VERDICT[decision.verdict]
    for figure, kind in _BY_FIGURE:
        if figure in decision.inputs:
            return kind
    if decision.reason.startswith("way:"):
        return "way"
    if decision.reason == "goal_met":
        return "goal"
    if decision.reason in ("met", "missed", "skipped", "waited"):
        return "wait_over"
    return "nothing"


def _way(decision: Decision) -> Mapping[str, Any]:
    way = decision.reason.partition(":")[2]
    return {"way": way} if way else {}
