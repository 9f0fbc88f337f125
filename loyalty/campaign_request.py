"""What a marketer asks for: a template, its values, and what the template leaves open."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from loyalty.audiences.condition import audience_of, bad_audience, condition_of
from loyalty.audiences.rules import Audience
from loyalty.conditions import MEMBER, BadCondition, check
from loyalty.errors import Invalid
from loyalty.journeys.compile import compile as compile_template
from loyalty.journeys.compiled import Compiled
from loyalty.programme import Programme
from loyalty.templates import Template

Check = Callable[[Compiled], Sequence[Mapping[str, Any]]]
"""Looks for faults in a campaign's message texts; rendering lives outside the domain."""


Text = Annotated[str, Field(max_length=2000)]
WishedAudience = Audience | Text | None
AUDIENCE = Field(None, description="Groups of rules, or a condition over members; none = everybody")


class CampaignRequest(BaseModel):
    """A marketer's choice: a template, its values, and what the template leaves open."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "welcome-2026",
                    "name": "Welcome 2026",
                    "template": "new_member_bonus",
                    "values": {"welcome_points": 500},
                    "budget_points": 200000,
                    "holdout_percent": 10,
                }
            ]
        },
    )

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$", description="in addresses and run ids")
    name: str = Field(min_length=1, max_length=120)
    template: str = Field(max_length=64)
    values: dict[str, Any] = Field(default_factory=dict, max_length=100)
    audience: WishedAudience = AUDIENCE
    holdout_percent: int | None = Field(None, ge=0, le=50, strict=True)
    budget_points: int | None = Field(None, ge=0, le=10**15, strict=True)


def compile_request(
    template: Template, request: CampaignRequest, programme: Programme, check_texts: Check
) -> Compiled:
    """The campaign that a request describes, or Invalid with every problem by field.

    A request's audience narrows the template's own; it never lets in whom the template keeps out.
    Of an exchange it narrows who may take it, too.
    """
    made = compile_template(
        template, request.values, zone=programme.tz, event_types=programme.known_events
    )
    changed: dict[str, Any] = {}
    if request.audience is not None:
        wished = condition_of(request.audience)
        changed["audience"] = _narrowed(made.audience, wished)
        if made.exchange is not None:
            who = _narrowed(made.exchange.who, wished)
            changed["exchange"] = made.exchange.model_copy(update={"who": who})
        changed["narrowed_by"] = audience_of(request.audience)
    if request.holdout_percent is not None:
        changed["holdout_bp"] = request.holdout_percent * 100
    if request.budget_points is not None:
        changed["budget_points"] = request.budget_points
    made = made.model_copy(update=changed)
    problems = [dict(problem) for problem in check_texts(made)]
    if problems:
        raise Invalid("A message would name what it cannot know.", problems)
    return made


def _narrowed(own: str | None, wished: str | None) -> str | None:
    """Both conditions as one; each alone and both together must be one that can be judged."""
    if wished is None:
        return own
    both = f"({own}) && ({wished})" if own else wished
    try:
        check(both, MEMBER)
    except BadCondition as bad:
        raise bad_audience("audience", bad) from bad
    return both
