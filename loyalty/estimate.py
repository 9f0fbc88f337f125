"""What a campaign would do if it were launched now: whom it reaches, what it gives, what it costs.

Points at most are the dearest way through the plan for everybody, within the budget; points that
are to be expected come from what campaigns of the same template gave before, and from nothing else.
What purchases earn by a card of the campaign is in neither: no budget knows how much is bought.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loyalty.audiences.preview import AudienceSize
from loyalty.earning.activate import stack_of
from loyalty.earning.rule_set import RuleSet
from loyalty.earning.stack import HighestStack
from loyalty.errors import LoyaltyError
from loyalty.journeys.compiled import Compiled, EnterAtLaunch, EnterByApi, EnterOnEvent
from loyalty.journeys.cost import most_points
from loyalty.journeys.plan import Await, Card
from loyalty.launch_rule import cost_minor
from loyalty.message_preview import places_of
from loyalty.points import BASIS
from loyalty.programme import Channel, Programme, Purpose

RATE_DAYS = 90
"""Over how many days the rate of an event that opens a campaign is taken."""
RUNS_MIN = 30
"""Fewer runs than this say nothing about what to expect."""


@dataclass(frozen=True, slots=True)
class PastRuns:
    """What an earlier campaign of the template gave to its treated members so far."""

    campaign_id: str
    runs: int
    most_points: int  # of one run of it
    granted_points: int


@dataclass(frozen=True, slots=True)
class EstimateFacts:
    """What is counted for an estimate, of one snapshot. `entries`: by event, had the campaign run
    for the last `RATE_DAYS`; a condition on the event itself left out.
    """

    size: AudienceSize
    entries: int | None = None
    past: Sequence[PastRuns] = ()


@dataclass(frozen=True, slots=True)
class Reachable:
    """Of the audience, how many a channel may reach for a purpose."""

    channel: Channel
    purpose: Purpose
    members: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to think of before launch; `code` is stable, the figures are its own."""

    code: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """`reached` and what follows from it are of one pass; for an entry by event of `per_days`."""

    entering: str  # event monthly daily launch api none
    reached: int | None  # none = another system decides
    exact: bool
    at_most: bool  # the event has a condition of its own, which is not counted
    per_days: int | None
    held_out: int | None
    treated: int | None
    reachable: tuple[Reachable, ...]
    points_per_member: int
    points_most: int | None  # none = no limit
    points_expected: int | None
    past_runs: int
    cost_most_minor: int | None
    cost_expected_minor: int | None
    budget_covers: int | None  # members, each at most
    redeemed_most: int  # points that an exchange can take in
    card_multiplier_bp: int | None
    stack: HighestStack
    warnings: tuple[Warned, ...]
    refusal: LoyaltyError | None  # why a launch would be refused now


def estimate(
    rules: Compiled,
    programme: Programme,
    facts: EstimateFacts,
    earning: RuleSet,
    refusal: LoyaltyError | None,
) -> Estimate:
    """Everything that can be said before launch; `earning` are the rules of the day."""
    enter = rules.enter
    by_event = isinstance(enter, EnterOnEvent)
    reached = None if isinstance(enter, EnterByApi) else facts.size.count
    if by_event:
        reached = facts.entries
    held_out = None if reached is None else round(reached * rules.holdout_bp / BASIS)
    treated = None if reached is None or held_out is None else reached - held_out
    each = most_points(rules.plan)
    once = None if treated is None else treated * each
    most = _most(rules, each, once)
    expected, runs = _expected(facts.past, once, rules.budget_points)
    card = _best_card(rules)
    stack = _stack(earning, programme, card)
    made = Estimate(
        entering=enter.kind if enter else "none",
        reached=reached,
        exact=facts.size.exact and not by_event,
        at_most=isinstance(enter, EnterOnEvent) and enter.where is not None,
        per_days=RATE_DAYS if by_event else None,
        held_out=held_out,
        treated=treated,
        reachable=_reachable(rules, facts),
        points_per_member=each,
        points_most=most,
        points_expected=expected,
        past_runs=runs,
        cost_most_minor=None if most is None else cost_minor(most, programme),
        cost_expected_minor=None if expected is None else cost_minor(expected, programme),
        budget_covers=rules.budget_points // each if each and rules.budget_points is not None
        else None,
        redeemed_most=rules.exchange.stock * rules.exchange.points if rules.exchange else 0,
        card_multiplier_bp=card,
        stack=stack,
        warnings=(),
        refusal=refusal,
    )  # fmt: skip
    return replace(made, warnings=tuple(_warnings(made, rules, programme)))


def _most(rules: Compiled, each: int, once: int | None) -> int | None:
    """What the campaign can give in all: a campaign that members enter only at launch ends there;
    any other may go on until its budget is used up.
    """
    if each == 0:
        return 0
    if isinstance(rules.enter, EnterAtLaunch) and once is not None:
        return once if rules.budget_points is None else min(once, rules.budget_points)
    return rules.budget_points


def _expected(
    past: Sequence[PastRuns], once: int | None, budget: int | None
) -> tuple[int | None, int]:
    """Points of one pass by what share of their most earlier runs were given."""
    told = [each for each in past if each.runs and each.most_points]
    runs = sum(each.runs for each in told)
    if runs < RUNS_MIN or once is None:
        return None, runs
    most = sum(each.runs * each.most_points for each in told)
    expected = once * sum(each.granted_points for each in told) // most
    return (expected if budget is None else min(expected, budget)), runs


def _reachable(rules: Compiled, facts: EstimateFacts) -> tuple[Reachable, ...]:
    used: dict[tuple[Channel, Purpose], None] = {}
    for places in places_of(rules).values():
        for place in places:
            used |= {(channel, place.purpose): None for channel in place.channels}
    return tuple(
        Reachable(channel, purpose, facts.size.reachable[purpose][channel])
        for channel, purpose in used
    )


def _best_card(rules: Compiled) -> int | None:
    return max((card.multiplier_bp for card in _cards(rules)), default=None)


def _cards(rules: Compiled) -> Iterator[Card]:
    for node in rules.plan.nodes.values():
        if isinstance(node.step, Card):
            yield node.step
        if isinstance(node.step, Await):
            for goal in node.step.goals:
                yield from (effect for effect in goal.reward if isinstance(effect, Card))


def _stack(earning: RuleSet, programme: Programme, card: int | None) -> HighestStack:
    """The rules of the day with this campaign's best card, if it gives one."""
    allowed = min(earning.card_maximum_bp or earning.maximum_multiplier_bp, card or BASIS)
    with_card = earning.model_copy(update={"card_maximum_bp": max(allowed, BASIS)})
    return stack_of(with_card, programme)


def _warnings(made: Estimate, rules: Compiled, programme: Programme) -> Iterator[Warned]:
    if made.reached == 0:
        joining = isinstance(rules.enter, EnterOnEvent) and rules.enter.on == "member.registered"
        yield Warned("no_newcomer_fits" if joining and rules.audience else "nobody_reached")
    if made.points_most is None:
        yield Warned("no_budget", {"points_per_member": made.points_per_member})
    if made.budget_covers is not None and made.treated and made.budget_covers < made.treated:
        yield Warned("budget_short", {"covers": made.budget_covers, "treated": made.treated})
    for each in made.reachable:
        if made.reached and each.members == 0 and made.per_days is None:
            yield Warned("nobody_reachable", {"channel": each.channel, "purpose": each.purpose})
    if made.card_multiplier_bp is not None:
        yield Warned("card_outside_budget", {"multiplier_bp": made.card_multiplier_bp})
    limit = programme.earning.highest_return_bp
    if made.stack.return_bp > limit:
        figures = {"return_bp": made.stack.return_bp, "limit_bp": limit}
        yield Warned("stack_above_limit", {**figures, "rules": list(made.stack.rules)})
    if rules.holdout_bp == 0 and rules.enter is not None:
        yield Warned("no_holdout")
