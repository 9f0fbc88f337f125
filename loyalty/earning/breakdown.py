"""The working of what was earned: every rule looked at, and every figure the points came from.

It is frozen with the posting, so that a return is judged by the rules and the tier of the day of
purchase and not by today's (rule 2). Plain dataclasses: one is made for each receipt at the till.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from loyalty.earning.rule_set import Period, Stacking

Kind = Literal["rate", "excluded", "bonus", "card", "points", "cap"]


@dataclass(frozen=True, slots=True)
class Room:
    """A cap that a rule met: the counter, its period, and the room there was before."""

    counter: str
    per: Period
    period: str
    room: int

    def to_json(self) -> dict[str, Any]:
        return {
            "counter": self.counter, "per": self.per, "period": self.period, "room": self.room,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """What a receipt moved a counter by: points wished and granted, or pieces of a product."""

    counter: str
    period: str
    wished: int
    granted: int

    def to_json(self) -> dict[str, Any]:
        return {
            "counter": self.counter, "period": self.period,
            "wished": self.wished, "granted": self.granted,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that was looked at: whether it applied, and why, by a stable code.

    `bp` is a rate for `rate`, an addition for `bonus` and `card`, a limit for `cap`. `fits`: all
    that a return cannot change was true, so thresholds, groups and caps are tested again then.
    `wished` and `granted` are points, where they are flat or a cap was met.
    """

    rule: str
    kind: Kind
    applied: bool
    reason: str
    bp: int = 0
    points: int = 0
    ref: str | None = None
    fits: bool = False
    lines: tuple[int, ...] | None = None
    from_minor: int | None = None
    group: str | None = None
    caps: tuple[Room, ...] = ()
    wished: int | None = None
    granted: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Without what says nothing: most rules have no lines, groups or caps."""
        body: dict[str, Any] = {
            "rule": self.rule,
            "kind": self.kind,
            "applied": self.applied,
            "reason": self.reason,
            "bp": self.bp,
            "ref": self.ref,
        }
        if self.fits:
            body["fits"] = True
        if self.points:
            body["points"] = self.points
        if self.lines is not None:
            body["lines"] = list(self.lines)
        if self.from_minor is not None:
            body["from_minor"] = self.from_minor
        if self.group is not None:
            body["group"] = self.group
        if self.caps:
            body["caps"] = [cap.to_json() for cap in self.caps]
        if self.wished is not None:
            body["wished"], body["granted"] = self.wished, self.granted
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Reason":
        lines = body.get("lines")
        return cls(
            **{
                **body,
                "lines": None if lines is None else tuple(lines),
                "caps": tuple(Room(**cap) for cap in body.get("caps", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class LineEarned:
    """One line: what it earned on its own. `earning_minor` is what of it counts (rule 11).

    `base` are points before rates and bonuses, for the reader: nothing is computed from it.
    `paid_with_points_minor` comes back as points when the line does (rule 3).
    """

    line: int
    sku: str
    category: str
    quantity: int
    net_minor: int
    earning_minor: int
    base: str
    rate_bp: int
    points: int
    reasons: tuple[Reason, ...]
    paid_with_points_minor: int = 0

    def to_json(self) -> dict[str, Any]:
        """Most lines are paid in money alone, and say nothing of points."""
        body: dict[str, Any] = {
            "line": self.line,
            "sku": self.sku,
            "category": self.category,
            "quantity": self.quantity,
            "net_minor": self.net_minor,
            "earning_minor": self.earning_minor,
            "base": self.base,
            "rate_bp": self.rate_bp,
            "points": self.points,
            "reasons": [reason.to_json() for reason in self.reasons],
        }
        if self.paid_with_points_minor:
            body["paid_with_points_minor"] = self.paid_with_points_minor
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "LineEarned":
        return cls(**{**body, "reasons": tuple(map(Reason.from_json, body["reasons"]))})


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A receipt's points with all they came from. `points` = `spend_points` + `flat_points`.

    `spend_points` are shared over the lines; flat points stand with the rule that gave them.
    `exact` is what `spend_points` were rounded down from. `steps` is the table that `base_points`
    for `base_minor` were read from, if there is one.
    """

    rule_version: str
    base_minor: int
    base_points: int
    stacking: Stacking
    maximum_multiplier_bp: int
    multiplier_bp: int
    points: int
    spend_points: int
    flat_points: int
    exact: str
    reasons: tuple[Reason, ...]
    lines: tuple[LineEarned, ...]
    steps: tuple[tuple[int, int], ...] = ()
    beyond: str | None = None
    caps: tuple[Room, ...] = ()  # on all that the member earns
    counted: tuple[Count, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it is stored and answered."""
        return {
            "rule_version": self.rule_version,
            "base_minor": self.base_minor,
            "base_points": self.base_points,
            "steps": [list(step) for step in self.steps],
            "beyond": self.beyond,
            "stacking": self.stacking,
            "maximum_multiplier_bp": self.maximum_multiplier_bp,
            "multiplier_bp": self.multiplier_bp,
            "points": self.points,
            "spend_points": self.spend_points,
            "flat_points": self.flat_points,
            "exact": self.exact,
            "caps": [cap.to_json() for cap in self.caps],
            "counted": [count.to_json() for count in self.counted],
            "reasons": [reason.to_json() for reason in self.reasons],
            "lines": [line.to_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Breakdown":
        return cls(
            **{
                **body,
                "steps": tuple((minor, points) for minor, points in body["steps"]),
                "caps": tuple(Room(**cap) for cap in body["caps"]),
                "counted": tuple(Count(**count) for count in body["counted"]),
                "reasons": tuple(map(Reason.from_json, body["reasons"])),
                "lines": tuple(map(LineEarned.from_json, body["lines"])),
            }
        )
