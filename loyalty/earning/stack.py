"""The highest that a rule set can give at once, worked out before it is switched on.

An upper bound: holidays, hours, stores and conditions are taken to fall together; tiers, weekdays
and periods of validity are not, since nobody is silver and gold at once. Source: the worst-case
margin of the features' notes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from itertools import product
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.earning.ready import ReadyRules, ready
from loyalty.earning.ready_rule import ReadyRule
from loyalty.earning.rule_set import RuleSet
from loyalty.points import BASIS
from loyalty.tiers.settings import Tiers

_CASES_MAX = 2_000  # beyond it all periods are taken to overlap, which is never too low


@dataclass(frozen=True, slots=True)
class HighestStack:
    """`points_per_10000` are points for 10,000 minor units; `return_bp` is their cash value.

    `rate_bp` x `multiplier_bp` is what the base is multiplied by. `flat_points` come on top of any
    receipt, however small, so no percentage can hold them. `rules` are those that stack.
    """

    rate_bp: int
    multiplier_bp: int
    points_per_10000: int
    return_bp: int
    flat_points: int
    rules: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"rules": list(self.rules)}


@dataclass(frozen=True, slots=True)
class _Case:
    """A member, a day and a receipt that rules could meet."""

    tiers: frozenset[str]
    weekday: int | None
    at: datetime | None
    from_minor: int | None


def highest_stack(
    rule_set: RuleSet, zone: ZoneInfo, tiers: Tiers, cash_points: int, cash_minor: int
) -> HighestStack:
    """The dearest case; `cash_points` are worth `cash_minor`."""
    rules = ready(rule_set, zone)
    best: tuple[Fraction, int, Fraction, tuple[str, ...]] | None = None
    for case in _cases(rules, tiers):
        holding = [each for each in rules.bonuses if _may_hold(each, case)]
        flat = _flat_share(holding, case)
        for rate_bp, categories, name in _rates(rules, case):
            bonuses = [r for r in holding if r.kind == "bonus" and _same_line(r, categories)]
            multiplier, stacked = _stack(rules, bonuses)
            worth = _base_ratio(rules) * Fraction(rate_bp, BASIS) * multiplier + flat
            if best is None or worth > best[0]:
                best = (worth, rate_bp, multiplier, tuple(filter(None, (name, *stacked))))
    assert best is not None  # there is always the case of nobody and no rule
    worth, rate_bp, multiplier, names = best
    return HighestStack(
        rate_bp=rate_bp,
        multiplier_bp=int(multiplier * BASIS),
        points_per_10000=int(worth * 10_000),
        # Rounded up: a limit must not be slipped under by a fraction.
        return_bp=ceil(worth * BASIS * cash_minor / cash_points),
        flat_points=sum(
            each.rule.points or 0
            for each in rules.bonuses
            if each.kind == "points" and not each.rule.when.from_minor
        ),
        rules=names,
    )


def _cases(rules: ReadyRules, ladder: Tiers) -> Iterable[_Case]:
    every = [*rules.bonuses, *rules.rates]
    named = sorted({tier for each in every for tier in each.tiers})
    tiers = [frozenset[str](), *(ladder.counts_as(tier) for tier in named)]
    days: list[int | None] = list(range(7)) if any(each.weekdays for each in every) else [None]
    starts: list[datetime | None] = [*sorted({r.starts for r in every if r.starts})]
    ends = sorted({each.ends for each in every if each.ends})
    before = min([*(s for s in starts if s), *ends], default=None)
    if before is not None:
        starts.append(datetime.min.replace(tzinfo=before.tzinfo))
    sums = [None, *sorted({r.rule.when.from_minor for r in every if r.rule.when.from_minor})]
    if len(tiers) * len(days) * len(starts) * len(sums) > _CASES_MAX:
        starts = []
    return (_Case(*each) for each in product(tiers, days, starts or [None], sums))


def _may_hold(each: ReadyRule, case: _Case) -> bool:
    """Without a sum the receipt is as large as need be."""
    needed = each.rule.when.from_minor
    return (
        (not each.tiers or not each.tiers.isdisjoint(case.tiers))
        and each.may_fall_on(case.weekday)
        and (case.at is None or each.counts_at(case.at))
        and (needed is None or case.from_minor is None or needed <= case.from_minor)
    )


def _rates(
    rules: ReadyRules, case: _Case
) -> Iterable[tuple[int, frozenset[str] | None, str | None]]:
    """Every rate a line may have, with the categories that have it; none = any other."""
    yield BASIS, None, None
    for category, rate_bp in rules.rule_set.category_rates_bp.items():
        if category not in rules.excluded:
            yield rate_bp, frozenset({category}), category
    for each in rules.rates:
        if _may_hold(each, case):
            yield each.bp, each.categories or None, each.rule.id


def _same_line(each: ReadyRule, categories: frozenset[str] | None) -> bool:
    return not each.categories or categories is None or bool(each.categories & categories)


def _stack(rules: ReadyRules, bonuses: Sequence[ReadyRule]) -> tuple[Fraction, list[str]]:
    """The highest multiplier of these bonuses, with the best personal card beside them."""
    best: dict[str, ReadyRule] = {}
    for each in bonuses:
        group = each.rule.group or f"rule:{each.rule.id}"
        if group not in best or best[group].bp < each.bp:
            best[group] = each
    limit = rules.terms.maximum_bp
    card = min(rules.rule_set.card_maximum_bp or limit, limit) - BASIS
    parts = [*((each.bp, each.rule.id) for each in best.values()), (card, "card")]
    if rules.terms.stacking == "best_only":
        parts = [max(parts)]
    multiplier = Fraction(1)
    for bp, _ in parts:
        bonus = Fraction(bp, BASIS)
        multiplies = rules.terms.stacking == "multiplicative"
        multiplier = multiplier * (1 + bonus) if multiplies else multiplier + bonus
    return min(multiplier, Fraction(limit, BASIS)), [name for bp, name in parts if bp]


def _base_ratio(rules: ReadyRules) -> Fraction:
    """Points for a minor unit, of a table the most generous step."""
    if rules.terms.steps:
        return max(Fraction(points, minor) for minor, points in rules.terms.steps)
    return Fraction(rules.terms.points, rules.terms.minor)


def _flat_share(holding: Sequence[ReadyRule], case: _Case) -> Fraction:
    """Flat points that ask for a sum, on a receipt of exactly that sum."""
    if case.from_minor is None:
        return Fraction(0)
    flat = sum(
        each.rule.points or 0
        for each in holding
        if each.kind == "points" and each.rule.when.from_minor
    )
    return Fraction(flat, case.from_minor)
