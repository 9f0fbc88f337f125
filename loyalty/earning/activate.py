"""Versions of the earning rules: checked, measured, and switched on for receipts to come.

A version never changes and never begins in the past, so nothing that was posted is ever rewritten
(rule 15). A late receipt is judged by the version of when it happened (rule 13).
"""

from datetime import datetime, timedelta

from loyalty.digest import digest
from loyalty.earning.rule_set import RuleSet
from loyalty.earning.stack import HighestStack, highest_stack
from loyalty.earning.version import RulesVersion
from loyalty.errors import ChangedMeanwhile, Invalid, Unknown, invalid_field
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
    *,
    after_version: int,
    until_version: int | None = None,
) -> tuple[RulesVersion, bool]:
    """Make the version after `after_version`; the same again gives the first one, and True.

    Refused when somebody else was faster; when it could give back more than the programme's
    limit, unless a reason says why; and when another version is coming that takes over from it,
    unless `until_version` names that one: what is changed now would end unsaid.
    """
    hash_ = digest(rule_set.model_dump(mode="json", exclude={"version"}))
    made_before = tx.earning_rules.listed()
    # Without an instant only the newest is "the same again": older rules may well come back.
    for there in made_before if active_from else made_before[-1:]:
        begun = active_from or there.created_at + LEAD
        if (there.hash, there.active_from) == (hash_, begun):
            return there, True
    newest = listed(tx)[-1]
    if newest.version != after_version:
        raise _changed(newest, after_version)
    begins = active_from or tx.now + LEAD
    if begins < tx.now + LEAD:
        earliest = (tx.now + LEAD).isoformat()
        raise invalid_field("active_from", "too_soon", f"must be {earliest} or later")
    stack = stack_of(rule_set, tx.programme)
    if stack.return_bp > tx.programme.earning.highest_return_bp and not reason:
        raise _too_high(stack, tx.programme)
    coming = taking_over(tx, begins)
    if coming and coming.version != until_version:
        raise _takes_over(coming)
    number = newest.version + 1
    made = RulesVersion(
        version=number,
        body=rule_set.model_copy(update={"version": str(number)}),
        active_from=begins,
        created_at=tx.now,
        created_by=actor,
        hash=hash_,
    )
    if not tx.earning_rules.add(made):
        raise _changed(made, after_version)
    detail = {"active_from": begins.isoformat(), "hash": hash_, "return_bp": stack.return_bp}
    tx.audit.add(actor, "earning_rules.activate", f"earning-rules/{number}", reason, detail)
    return made, False


def to_go_on_from(tx: Transaction) -> RulesVersion:
    """The version that one made now would follow: it counts, or will within the lead."""
    begun = [each for each in listed(tx) if each.active_from <= tx.now + LEAD]
    return max(begun, key=lambda each: (each.active_from, each.version))


def taking_over(tx: Transaction, begins: datetime) -> RulesVersion | None:
    """The version, made already, that follows one which begins then."""
    later = [each for each in tx.earning_rules.listed() if each.active_from > begins]
    return min(later, key=lambda each: (each.active_from, -each.version), default=None)


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


def _changed(newest: RulesVersion, after: int) -> ChangedMeanwhile:
    return ChangedMeanwhile(
        f"Version {newest.version} was made meanwhile: look at it, then activate after version "
        f"{newest.version}.",
        after_version=after,
        version=newest.version,
    )


def _takes_over(coming: RulesVersion) -> Invalid:
    return invalid_field(
        "until_version",
        "another_is_coming",
        f"must be {coming.version}: from {coming.active_from.isoformat()} on that version takes "
        "over, without this change",
        (str(coming.version),),
    )


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
