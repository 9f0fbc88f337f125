"""Versions of the earning rules: checked, measured, and switched on for receipts to come.

A version never changes and never begins in the past, so nothing that was posted is ever rewritten
(rule 15). A late receipt is judged by the version of when it happened (rule 13).
"""

from datetime import datetime, timedelta

from loyalty.digest import digest
from loyalty.earning.rule_set import RuleSet
from loyalty.earning.stack import HighestStack, highest_stack
from loyalty.earning.version import RulesVersion
from loyalty.errors import Invalid, Unknown, WrongState, invalid_field
from loyalty.ports import Transaction
from loyalty.programme import Programme

FIRST = 1
"""The version of the programme's own `earning` block."""
LEAD = timedelta(minutes=1)
"""How long before it counts a version is made, so that every process has heard of it."""


def activate(
    tx: Transaction,
    rule_set: RuleSet,
    active_from: datetime | None,
    actor: str,
    reason: str | None = None,
) -> tuple[RulesVersion, bool]:
    """Make the next version; the same again gives the first one, and True.

    Refused when it could give back more than the programme's limit, unless a reason says why.
    """
    hash_ = digest(rule_set.model_dump(mode="json", exclude={"version"}))
    made_before = tx.earning_rules.listed()
    # Without an instant only the newest is "the same again": older rules may well come back.
    for there in made_before if active_from else made_before[-1:]:
        if there.hash == hash_ and active_from in (None, there.active_from):
            return there, True
    begins = active_from or tx.now + LEAD
    if begins < tx.now + LEAD:
        earliest = (tx.now + LEAD).isoformat()
        raise invalid_field("active_from", "too_soon", f"must be {earliest} or later")
    stack = stack_of(rule_set, tx.programme)
    if stack.return_bp > tx.programme.earning.highest_return_bp and not reason:
        raise _too_high(stack, tx.programme)
    number = max([FIRST, *(each.version for each in made_before)]) + 1
    made = RulesVersion(
        version=number,
        body=rule_set.model_copy(update={"version": str(number)}),
        active_from=begins,
        created_at=tx.now,
        created_by=actor,
        hash=hash_,
    )
    if not tx.earning_rules.add(made):
        raise WrongState("Somebody activated other earning rules just now: look, then try again.")
    detail = {"active_from": begins.isoformat(), "hash": hash_, "return_bp": stack.return_bp}
    tx.audit.add(actor, "earning_rules.activate", f"earning-rules/{number}", reason, detail)
    return made, False


def rules_at(tx: Transaction, instant: datetime) -> RuleSet:
    """The rules that judge what happened then."""
    found = tx.earning_rules.at(instant)
    return found.body if found else tx.programme.earning.rule_set


def listed(tx: Transaction) -> list[RulesVersion]:
    """Every version, the programme's own first."""
    return [_first(tx.programme), *tx.earning_rules.listed()]


def version(tx: Transaction, number: int) -> RulesVersion:
    """One version; raises Unknown."""
    found = next((each for each in listed(tx) if each.version == number), None)
    if found is None:
        raise Unknown("version of the earning rules", str(number))
    return found


def stack_of(rule_set: RuleSet, programme: Programme) -> HighestStack:
    """The highest stack at the programme's cash value of a point."""
    cash = programme.earning
    return highest_stack(rule_set, programme.tz, programme.tiers, cash.cash_points, cash.cash_minor)


def _first(programme: Programme) -> RulesVersion:
    rule_set = programme.earning.rule_set
    hash_ = digest(rule_set.model_dump(mode="json", exclude={"version"}))
    began = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    return RulesVersion(FIRST, rule_set, began, began, "programme", hash_)


def _too_high(stack: HighestStack, programme: Programme) -> Invalid:
    limit = programme.earning.highest_return_bp
    return Invalid(
        f"{' + '.join(stack.rules) or 'The base'} together could give back {_percent(stack)} of "
        f"the price; the programme's limit is {limit / 100:g}%. Lower a rate, put rules into one "
        "group, or say the reason why it shall be so.",
        [
            {
                "field": "reason",
                "code": "stack_too_high",
                "message": f"is needed: up to {_percent(stack)} of the price could be given back",
                "allowed": list(stack.rules),
            }
        ],
    )


def _percent(stack: HighestStack) -> str:
    return f"{stack.return_bp / 100:g}%"
