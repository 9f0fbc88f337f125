"""What a receipt is judged by beside itself, looked up; and what it used of caps, written down.

Nothing is asked of the database that the rules of the day do not need.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from loyalty.conditions import attributes_as_text
from loyalty.earning.breakdown import Breakdown
from loyalty.earning.facts import Facts, Moment, period_key
from loyalty.earning.give_back import Kept, room_back
from loyalty.earning.ready import ReadyRules, ready, sku_counter
from loyalty.earning.rule_set import PERIODS, RuleSet
from loyalty.events import MemberEvent, Purchase
from loyalty.members import NEVER_DAYS, Member
from loyalty.ports import Transaction


def facts_of_purchase(
    tx: Transaction, member: Member, purchase: Purchase, rule_set: RuleSet
) -> Facts:
    """Cards, tier, counters and products bought before, as of when the purchase happened."""
    rules = ready(rule_set, tx.programme.tz)
    at = purchase.occurred_at
    first = _first_counters(rules, purchase) if rules.first_skus else []
    counters = [*rules.counters(Moment.of(at, tx.programme.tz)), *first] if rules.counts else first
    used = tx.counters.used(member.id, counters) if counters else {}
    tier = _tier(tx, member, rules, at)
    facts = Facts(
        tiers=tx.programme.tiers.counts_as(tier),
        cards=tx.cards.at(member.id, at),
        used=used,
        bought=frozenset(name[4:] for name, period in first if used.get((name, period), 0) > 0),
        unpayable=tx.programme.burning.excluded_categories,
    )
    if not rules.has_conditions:
        return facts
    asked = _asked(member, tier, at) | {
        "event.type": "purchase",
        "event.store": purchase.store or "",
        "event.channel": purchase.channel or "",
        "event.attributes": {},
    }
    return replace(facts, asked=asked)


def facts_of_act(tx: Transaction, member: Member, event: MemberEvent, rule_set: RuleSet) -> Facts:
    """The same for another act; cards and products do not matter to it."""
    rules = ready(rule_set, tx.programme.tz)
    counters = rules.counters(Moment.of(event.occurred_at, tx.programme.tz), event.type)
    tier = _tier(tx, member, rules, event.occurred_at)
    asked = _asked(member, tier, event.occurred_at) | {
        "event.type": event.type,
        "event.store": event.store or "",
        "event.channel": event.channel or "",
        "event.attributes": attributes_as_text(event.attributes),
    }
    used = tx.counters.used(member.id, counters) if counters else {}
    return Facts(tiers=tx.programme.tiers.counts_as(tier), used=used, asked=asked)


def count_earned(tx: Transaction, member_id: str, breakdown: Breakdown) -> None:
    """Write down what was used of caps, and which new products were bought."""
    if breakdown.counted:
        tx.counters.add(
            member_id, {(c.counter, c.period): (c.wished, c.granted) for c in breakdown.counted}
        )


def give_room_back(tx: Transaction, member_id: str, kept: Kept, at: datetime) -> None:
    """After a return: room in caps whose period still runs, and none in others (rule 22)."""
    day = Moment.of(at, tx.programme.tz).day
    running = {period_key(per, day) for per in PERIODS}
    back = room_back(kept)
    tx.counters.add(
        member_id,
        {
            (name, period): (-wished, -granted)
            for (name, period), (wished, granted) in back.items()
            if period in running
        },
    )


def _first_counters(rules: ReadyRules, purchase: Purchase) -> list[tuple[str, str]]:
    skus: Iterable[str] = {line.sku for line in purchase.lines} & rules.first_skus
    return [sku_counter(sku) for sku in sorted(skus)]


def _tier(tx: Transaction, member: Member, rules: ReadyRules, at: datetime) -> str:
    """The member's tier when it happened (rule 13); today's, where no rule asks for it."""
    return tx.tiers.at(member.id, at) if rules.asks_tier else member.tier


def _asked(member: Member, tier: str, at: datetime) -> dict[str, object]:
    def days_since(then: datetime | None) -> int:
        return (at - then).days if then else NEVER_DAYS

    return {
        "now": at,
        "member.tier": tier,
        "member.tags": list(member.tags),
        "member.days_since_purchase": days_since(member.last_purchase_at),
        "member.days_since_registration": days_since(member.registered_at),
        "member.purchases": member.purchases,
        "member.spend_minor": member.spend_minor,
        "member.locale": member.locale,
        "member.source": member.source or "",
        "member.has_inviter": member.inviter_id is not None,
    }
