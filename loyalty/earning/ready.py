"""A rule set made ready: what is the same for every receipt is worked out once."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from loyalty.earning.breakdown import Reason
from loyalty.earning.facts import Moment, period_key
from loyalty.earning.ready_rule import ReadyRule
from loyalty.earning.rooms import Counter
from loyalty.earning.rule_set import Cap, Rule, RuleSet
from loyalty.earning.terms import Terms
from loyalty.points import BASIS

EVERYTHING = "*"
"""The counter of all that a member earns."""


def sku_counter(sku: str) -> Counter:
    """The counter of pieces bought of a product that is new to some rule."""
    return f"sku:{sku}", "ever"


_READY: dict[tuple[int, str], "ReadyRules"] = {}
_KEPT = 64  # versions; each keeps its rule set alive, so its number in the key stays its own


def ready(rule_set: RuleSet, zone: ZoneInfo) -> "ReadyRules":
    """The rule set made ready, once in the life of the process."""
    key = (id(rule_set), zone.key)
    found = _READY.get(key)
    if found is None:
        if len(_READY) >= _KEPT:
            _READY.clear()
        found = _READY[key] = ReadyRules(rule_set, zone)
    return found


class ReadyRules:
    """A rule set in one zone, as `earn` asks it."""

    def __init__(self, rule_set: RuleSet, zone: ZoneInfo) -> None:
        base = rule_set.base
        self.rule_set = rule_set
        self.terms = Terms(
            minor=base.minor or 1,
            points=base.points,
            steps=tuple((step.minor, step.points) for step in base.steps),
            beyond=base.beyond,
            stacking=rule_set.stacking,
            maximum_bp=rule_set.maximum_multiplier_bp,
        )
        self.caps = [(EVERYTHING, cap) for cap in rule_set.caps]
        ordered = sorted(rule_set.rules, key=lambda rule: (rule.priority, rule.id))
        made = [ReadyRule(rule, _caps_of(rule, rule_set), zone) for rule in ordered]
        self.rates = [each for each in made if each.kind == "rate"]
        self.bonuses = [each for each in made if each.kind != "rate" and _on_purchase(each)]
        self.acts: dict[str, list[ReadyRule]] = {}
        for each in made:
            if not _on_purchase(each):
                self.acts.setdefault(str(each.rule.when.event), []).append(each)
        self.excluded = frozenset(rule_set.excluded_categories)
        self.no_tax = rule_set.tax == "excluded"
        self.first_skus = frozenset(
            sku
            for rule in rule_set.rules
            if rule.when.first_purchase
            for sku in rule.when.skus or ()
        )
        self.counts = bool(self.caps) or any(each.caps for each in made)
        self.asks_tier = any(
            each.tiers or (each.condition and "member.tier" in each.condition.names)
            for each in made
        )
        self.has_conditions = any(each.condition for each in made)
        self._rates: dict[str, tuple[Reason, ...]] = {
            category: (Reason("category", "rate", True, "category_rate", bp),)
            for category, bp in rule_set.category_rates_bp.items()
        }
        for category in rule_set.excluded_categories:
            self._rates[category] = (Reason("excluded", "excluded", True, "excluded_category"),)
        self._no_rate = (Reason("category", "rate", False, "no_rate_for_category", BASIS),)

    def rate_of(self, category: str) -> tuple[Reason, ...]:
        """The rate of a category, as the reasons of a line of it."""
        return self._rates.get(category, self._no_rate)

    def counters(self, at: Moment, act: str | None = None) -> list[Counter]:
        """Every counter that a receipt, or an act of this kind, may meet at this time."""
        rules = self.bonuses if act is None else self.acts.get(act, [])
        caps = [*self.caps, *(pair for r in rules if r.counts_at(at.at) for pair in r.caps)]
        return list(dict.fromkeys((name, period_key(cap.per, at.day)) for name, cap in caps))


def _on_purchase(rule: ReadyRule) -> bool:
    return rule.rule.when.event in (None, "purchase")


def _caps_of(rule: Rule, rule_set: RuleSet) -> list[tuple[str, Cap]]:
    shared: Iterable[Cap] = rule_set.campaign_caps.get(rule.campaign or "", ())
    return [
        *((rule.id, cap) for cap in rule.caps),
        *((f"campaign:{rule.campaign}", cap) for cap in shared),
    ]
