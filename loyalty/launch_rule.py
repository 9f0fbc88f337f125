"""What a budget is held to: the programme's rule at launch, and what members were promised since.

The points at most are what the budget allows, since admission keeps to it. A campaign that gives
points without a budget has no such figure, so a rule on points or cost needs one. What purchases
earn by a campaign's card is in no budget; the earning rules limit cards.
"""

from typing import ClassVar

from loyalty.errors import Invalid, LoyaltyError
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.cost import most_points
from loyalty.programme import Programme
from loyalty.records import Campaign


class OverBudgetRule(LoyaltyError):
    """The campaign could give more than the programme allows: the figures are in the facts."""

    code: ClassVar[str] = "over_budget_rule"


def cost_minor(points: int, programme: Programme) -> int:
    """The cash value of points in minor units, rounded up."""
    earning = programme.earning
    return -(-points * earning.cash_minor // earning.cash_points)


def over_budget_rule(rules: Compiled, programme: Programme) -> OverBudgetRule | None:
    """Why a campaign must not be launched as it is; none where nothing speaks against it."""
    if most_points(rules.plan) == 0:
        return None
    launch, budget = programme.launch, rules.budget_points
    if budget is None:
        if (
            not launch.needs_budget
            and launch.most_points is None
            and launch.most_cost_minor is None
        ):
            return None
        return OverBudgetRule(
            "The campaign gives points and has no budget; this programme asks for one.",
            rule="needs_budget",
        )
    if launch.most_points is not None and budget > launch.most_points:
        return OverBudgetRule(
            f"The budget of {budget} points is above the {launch.most_points} that this programme "
            "allows one campaign.",
            rule="most_points",
            limit=launch.most_points,
            budget_points=budget,
        )
    cost = cost_minor(budget, programme)
    if launch.most_cost_minor is not None and cost > launch.most_cost_minor:
        return OverBudgetRule(
            f"The budget could cost {cost} minor units; this programme allows one campaign "
            f"{launch.most_cost_minor}.",
            rule="most_cost_minor",
            limit=launch.most_cost_minor,
            cost_minor=cost,
            budget_points=budget,
        )
    return None


def refused_change(
    campaign: Campaign, rules: Compiled, programme: Programme
) -> LoyaltyError | None:
    """Why a running campaign cannot go on as these rules say; none where nothing speaks against it.

    What a launch is held to, a change is held to: otherwise a small budget would be launched and
    raised afterwards, by one person where the programme asks for two.
    """
    below, over = _below_promised(campaign, rules), over_budget_rule(rules, programme)
    if below is not None or over is not None:
        return below or over
    before, after = campaign.budget_points, rules.budget_points
    if not programme.launch.second_person or before is None:
        return None
    if after is not None and after <= before:
        return None
    problem = {
        "field": "budget_points",
        "code": "second_person",
        "message": f"cannot be above {before} while the campaign runs: this programme asks for two "
        "people where points are given out. Launch a new campaign for more.",
        "allowed": [f"up to {before}"],
        "most": before,
    }
    return Invalid("One person cannot raise the budget of a running campaign.", [problem])


def _below_promised(campaign: Campaign, rules: Compiled) -> Invalid | None:
    """Why a running campaign cannot have this budget: what members have is not taken from them."""
    promised = campaign.granted_points + campaign.reserved_points
    if rules.budget_points is None or rules.budget_points >= promised:
        return None
    problem = {
        "field": "budget_points",
        "code": "below_promised",
        "message": f"{campaign.granted_points} points were given and {campaign.reserved_points} "
        f"are promised to members under way: the budget cannot be below {promised}.",
        "allowed": [f"from {promised}"],
        "promised": promised,
    }
    return Invalid("The budget is below what members were given and promised.", [problem])
