"""How members rise and fall: the ladder, what counts for it, over which time, for how long.

What counts is never the balance: spending points leaves a tier alone. Money is whole minor units,
points are whole numbers, instants are UTC and calendars are asked in the programme's zone.
Source: features 47 to 52, rules 16 and 17.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Metric = Literal["spend_minor", "points_earned", "top_up"]
TIER_NAME = r"^[a-z_]{1,32}$"
TierName = Annotated[str, StringConstraints(pattern=TIER_NAME)]


class TierSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rung(TierSettings):
    """One tier of the ladder: reached when the metric is `threshold` or more."""

    tier: TierName
    threshold: int = Field(ge=0, description="of the metric: minor units, or points")
    # Feature 52: given once per tier and period.
    gift_points: int = Field(0, ge=0)


class Period(TierSettings):
    """The window that the metric is summed over."""

    kind: Literal[
        "rolling", "calendar_year", "from_tier_start", "from_join_date", "fixed_cycle"
    ] = "rolling"
    months: int = Field(12, ge=1, le=120)
    starts_on: date | None = Field(None, description="first day of a fixed cycle")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "fixed_cycle" and self.starts_on is None:
            raise ValueError("a fixed_cycle needs starts_on, the first day of one of its cycles")
        if self.kind != "fixed_cycle" and self.starts_on is not None:
            raise ValueError("starts_on belongs to a fixed_cycle only")
        if self.kind == "calendar_year" and self.months != 12:
            raise ValueError("a calendar_year has 12 months; use fixed_cycle for another length")
        return self

    @property
    def ends_for_all(self) -> bool:
        """Whether periods end on days of a calendar, so that tiers are best held until then."""
        return self.kind in ("calendar_year", "from_join_date", "fixed_cycle")


_SHOP_LADDER = (
    Rung(tier="ordinary", threshold=0),
    Rung(tier="silver", threshold=200_000),
    Rung(tier="gold", threshold=1_000_000),
    Rung(tier="diamond", threshold=5_000_000),
)


class Tiers(TierSettings):
    """The ladder and its rules. An empty ladder leaves members' tiers to the shop."""

    # Feature 51: by points, stored value or spend.
    metric: Metric = "spend_minor"
    ladder: tuple[Rung, ...] = _SHOP_LADDER
    period: Period = Period()
    validity_months: int | None = Field(
        12, ge=1, le=120, description="how long a reached tier lasts; none = for ever"
    )
    # Feature 51: retailers usually upgrade without downgrade.
    downgrade: Literal["keep", "one_down", "by_metric"] = "keep"
    soft_landing: bool = Field(False, description="by_metric falls one tier per review at most")
    grace_days: int = Field(0, ge=0, le=365, description="extra days to requalify")
    warn_days: int = Field(30, ge=0, le=365, description="before a tier may be lost")
    # Feature 48: bought, outside the ladder; which of its tiers each ranks as.
    paid_levels: dict[TierName, TierName] = Field(default_factory=dict)
    top_up_categories: tuple[str, ...] = ("top_up",)

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        if not self.ladder:
            if self.paid_levels:
                raise ValueError("paid_levels rank as tiers of the ladder, and the ladder is empty")
            return self
        if self.ladder[0].threshold != 0:
            raise ValueError(
                f"the first tier, {self.ladder[0].tier}, must have threshold 0: everybody has it"
            )
        if len(set(self.names)) != len(self.names):
            raise ValueError("each tier may stand on the ladder once")
        for lower, higher in zip(self.ladder, self.ladder[1:], strict=False):
            if higher.threshold <= lower.threshold:
                raise ValueError(
                    f"{higher.tier} ({higher.threshold}) must need more than "
                    f"{lower.tier} ({lower.threshold})"
                )
        return self

    @model_validator(mode="after")
    def _paid_levels_have_a_place(self) -> Self:
        for level, as_tier in self.paid_levels.items():
            if as_tier not in self.names:
                raise ValueError(
                    f"paid level {level} ranks as {as_tier}, which is not on the ladder: "
                    f"{', '.join(self.names)}"
                )
            if level in self.names and level != as_tier:
                raise ValueError(
                    f"paid level {level} is a tier itself and can rank only as {level}"
                )
        return self

    @model_validator(mode="after")
    def _falls_by_its_policy(self) -> Self:
        if self.soft_landing and self.downgrade != "by_metric":
            raise ValueError(f"soft_landing belongs to by_metric; {self.downgrade} needs none")
        if self.grace_days and self.downgrade == "keep":
            raise ValueError("grace_days needs a downgrade policy; keep never lowers a tier")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(rung.tier for rung in self.ladder)

    @property
    def first(self) -> str:
        """Where members start whom nobody gave another tier."""
        return self.ladder[0].tier if self.ladder else "ordinary"

    def counts_as(self, tier: str) -> frozenset[str]:
        """A tier, or a paid level with the tier it ranks as: what is for either is for both."""
        return frozenset((tier, self.paid_levels.get(tier, tier)))

    def rank(self, tier: str) -> int | None:
        """The place of a tier or paid level on the ladder, the first is 0; none if unknown."""
        name = self.paid_levels.get(tier, tier)
        return self.names.index(name) if name in self.names else None

    def reached(self, metric: int) -> int:
        """The rank of the highest tier whose threshold the metric meets; equal is enough."""
        return max(
            (rank for rank, rung in enumerate(self.ladder) if metric >= rung.threshold), default=0
        )
