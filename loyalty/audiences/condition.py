"""An audience as the condition by which admission judges one member.

The condition is the one meaning of an audience: live counts translate it to SQL
(`storage/audiences`), and explanations say it in words.
"""

from collections.abc import Sequence
from functools import singledispatch

from loyalty.audiences.rules import (
    Audience,
    CategoryRule,
    ConditionRule,
    ConsentRule,
    ExpiringRule,
    Group,
    LastPurchaseRule,
    PointsRule,
    RegisteredRule,
    Rule,
    SpendRule,
    StoreRule,
    TagsRule,
    TierRule,
)
from loyalty.conditions import MEMBER, NEVER_DAYS, BadCondition, check, literal
from loyalty.errors import Invalid

_SIGN = {"at_least": ">=", "at_most": "<="}


def condition_of(wished: Audience | str | None, field: str = "audience") -> str | None:
    """What was asked for as one condition; none for everybody.

    Raises Invalid at the rule's place, such as `audience.groups.0.rules.1.condition`.
    """
    if isinstance(wished, str):
        text = wished
    elif wished is None:
        return None
    else:
        _each_alone(wished, field)
        text = _joined([_group(group) for group in wished.groups], wished.match)
        if not text:
            return None
    try:
        check(text, MEMBER)
    except BadCondition as bad:
        raise bad_audience(field, bad) from bad
    return text


def bad_audience(field: str, bad: BadCondition) -> Invalid:
    """The refusal of a condition over members, at its place."""
    problem = {"field": field, "code": bad.code, "message": bad.detail}
    return Invalid("The audience cannot be judged.", [problem])


def _each_alone(audience: Audience, field: str) -> None:
    problems = []
    for i, group in enumerate(audience.groups):
        for j, rule in enumerate(group.rules):
            try:
                check(_said(rule), MEMBER)
            except BadCondition as bad:
                place = f"{field}.groups.{i}.rules.{j}.condition"
                message = f"{bad.detail} (character {bad.position})"
                problems.append({"field": place, "code": bad.code, "message": message})
    if problems:
        raise Invalid("The audience cannot be judged.", problems)


def audience_of(wished: Audience | str | None) -> Audience | None:
    """What was asked for as data: a condition is an audience of one rule."""
    if not isinstance(wished, str):
        return wished
    return Audience(groups=(Group(rules=(ConditionRule(condition=wished),)),))


def _group(group: Group) -> str:
    return _joined([_said(rule) for rule in group.rules], group.match)


def _joined(parts: Sequence[str], match: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return (" && " if match == "all" else " || ").join(f"({part})" for part in parts)


@singledispatch
def _said(rule: Rule) -> str:
    raise TypeError(f"no condition for a {type(rule).__name__}")


@_said.register
def _(rule: TierRule) -> str:
    listed = f"member.tier in [{', '.join(literal(tier) for tier in rule.tiers)}]"
    return listed if rule.op == "one_of" else f"!({listed})"


@_said.register
def _(rule: TagsRule) -> str:
    has = [f"{literal(tag)} in member.tags" for tag in rule.tags]
    if rule.op == "all_of":
        return " && ".join(has)
    return " || ".join(has) if rule.op == "any_of" else f"!({' || '.join(has)})"


@_said.register
def _(rule: LastPurchaseRule) -> str:
    name = "member.days_since_purchase"
    if rule.op == "never":
        return f"{name} >= {NEVER_DAYS}"
    if rule.op == "within":
        return f"{name} <= {rule.days}"
    return f"{name} > {rule.days} && {name} < {NEVER_DAYS}"


@_said.register
def _(rule: SpendRule) -> str:
    return f'member.spend_within["{rule.days}"] {_SIGN[rule.op]} {rule.amount_minor}'


@_said.register
def _(rule: CategoryRule) -> str:
    sign = "<=" if rule.op == "bought" else ">"
    return f"member.days_since_category[{literal(rule.category)}] {sign} {rule.days}"


@_said.register
def _(rule: StoreRule) -> str:
    sign = "<=" if rule.op == "bought" else ">"
    return f"member.days_since_store[{literal(rule.store)}] {sign} {rule.days}"


@_said.register
def _(rule: PointsRule) -> str:
    return f"member.points {_SIGN[rule.op]} {rule.points}"


@_said.register
def _(rule: ExpiringRule) -> str:
    return f'member.expiring_within["{rule.days}"] {_SIGN[rule.op]} {rule.points}'


@_said.register
def _(rule: ConsentRule) -> str:
    has = f"{literal(f'{rule.channel}/{rule.purpose}')} in member.consents"
    return has if rule.op == "given" else f"!({has})"


@_said.register
def _(rule: RegisteredRule) -> str:
    sign = "<=" if rule.op == "within" else ">"
    return f"member.days_since_registration {sign} {rule.days}"


@_said.register
def _(rule: ConditionRule) -> str:
    return rule.condition
