"""One thing an audience may ask about a member, as data. Days are whole days back from now."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loyalty.events import Name
from loyalty.programme import Channel, Purpose

Days = Annotated[int, Field(ge=1, le=3_650, strict=True)]
Figure = Annotated[int, Field(ge=0, le=10**12, strict=True)]
Tag = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TierRule(Frozen):
    """The member has one of these tiers, or none of them."""

    about: Literal["tier"] = "tier"
    op: Literal["one_of", "none_of"] = "one_of"
    tiers: tuple[Tag, ...] = Field(min_length=1, max_length=20)


class TagsRule(Frozen):
    about: Literal["tags"] = "tags"
    op: Literal["any_of", "all_of", "none_of"] = "any_of"
    tags: tuple[Tag, ...] = Field(min_length=1, max_length=20)


class LastPurchaseRule(Frozen):
    """`within` = not longer ago than `days`; `before` = longer ago, but there was one."""

    about: Literal["last_purchase"] = "last_purchase"
    op: Literal["within", "before", "never"] = "before"
    days: Days | None = None

    @model_validator(mode="after")
    def _says_how_long(self) -> "LastPurchaseRule":
        if (self.days is None) != (self.op == "never"):
            raise ValueError("days belongs to within and before, and to them only")
        return self


class SpendRule(Frozen):
    """What the member kept of purchases in the last `days`: refunds are taken off."""

    about: Literal["spend"] = "spend"
    op: Literal["at_least", "at_most"] = "at_least"
    amount_minor: Figure
    days: Days


class CategoryRule(Frozen):
    """Whether a receipt of the last `days` has such a line; receipts taken back do not count."""

    about: Literal["category"] = "category"
    op: Literal["bought", "not_bought"] = "bought"
    category: Name
    days: Days


class StoreRule(Frozen):
    """Whether the member bought in that store in the last `days`."""

    about: Literal["store"] = "store"
    op: Literal["bought", "not_bought"] = "bought"
    store: Name
    days: Days


class PointsRule(Frozen):
    """The points that the member can spend now."""

    about: Literal["points"] = "points"
    op: Literal["at_least", "at_most"] = "at_least"
    points: Figure


class ExpiringRule(Frozen):
    """So many points or more lapse within `days`."""

    about: Literal["expiring_points"] = "expiring_points"
    op: Literal["at_least", "at_most"] = "at_least"
    points: Figure
    days: Days


class ConsentRule(Frozen):
    """Whether such a message may be sent: what the member said, else what the programme assumes."""

    about: Literal["consent"] = "consent"
    op: Literal["given", "not_given"] = "given"
    channel: Channel
    purpose: Purpose = "marketing"


class RegisteredRule(Frozen):
    about: Literal["registered"] = "registered"
    op: Literal["within", "before"] = "within"
    days: Days


class ConditionRule(Frozen):
    """A condition in the words of `conditions.MEMBER`, for what no other rule asks."""

    about: Literal["condition"] = "condition"
    condition: str = Field(min_length=1, max_length=2_000)


Rule = Annotated[
    TierRule | TagsRule | LastPurchaseRule | SpendRule | CategoryRule | StoreRule | PointsRule
    | ExpiringRule | ConsentRule | RegisteredRule | ConditionRule,
    Field(discriminator="about"),
]  # fmt: skip


class Group(Frozen):
    """Rules of which all, or at least one, must fit."""

    match: Literal["all", "any"] = "all"
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=12)


class Audience(Frozen):
    """Whom a campaign is for: groups of which all, or at least one, must fit. None = everybody."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "match": "all",
                    "groups": [
                        {
                            "match": "any",
                            "rules": [
                                {"about": "tier", "tiers": ["gold"]},
                                {"about": "points", "op": "at_least", "points": 1000},
                            ],
                        },
                        {"rules": [{"about": "last_purchase", "op": "before", "days": 90}]},
                    ],
                }
            ]
        },
    )

    match: Literal["all", "any"] = "all"
    groups: tuple[Group, ...] = Field(default=(), max_length=8)
