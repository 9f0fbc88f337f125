"""Rules and receipts in few words, and what they earn."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.earning.breakdown import Breakdown
from loyalty.earning.earn import earn
from loyalty.earning.facts import Facts
from loyalty.earning.rule_set import RuleSet
from loyalty.events import Line, Purchase

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEDNESDAY = datetime(2026, 10, 14, 12, tzinfo=SHANGHAI)
SATURDAY = datetime(2026, 10, 17, 12, tzinfo=SHANGHAI)
YUAN = 100


@dataclass(frozen=True)
class Double:
    key: str = "card-1"
    multiplier_bp: int = 20_000
    starts_at: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    ends_at: datetime = datetime(2030, 1, 1, tzinfo=UTC)


def rules(*written: Mapping[str, Any], **more: Any) -> RuleSet:
    """1 yuan = 1 point, unless said otherwise."""
    return RuleSet.model_validate({"base": {"minor": YUAN}, "rules": list(written), **more})


def bought(*lines: Any, at: datetime = WEDNESDAY, **more: Any) -> Purchase:
    """Lines are (category, yuan) or whole lines."""
    made = [
        each
        if isinstance(each, Line)
        else Line(sku=f"s{n}", category=each[0], net_minor=each[1] * YUAN)
        for n, each in enumerate(lines)
    ]
    return Purchase(
        source="till", id="r", member_id="m", occurred_at=at, currency="CNY", lines=tuple(made),
        **more,
    )  # fmt: skip


def earned(purchase: Purchase, rule_set: RuleSet, **facts: Any) -> Breakdown:
    return earn(purchase, rule_set, Facts(**facts), SHANGHAI)


def why(breakdown: Breakdown, rule: str) -> tuple[bool, str]:
    [found] = [reason for reason in breakdown.reasons if reason.rule == rule]
    return found.applied, found.reason


def on(category: str, percent: int) -> dict[str, Any]:
    return {"id": category, "when": {"categories": [category]}, "bonus_bp": percent * 100}


WEEKEND = {"id": "weekend", "when": {"weekdays": ["sat", "sun"]}, "bonus_bp": 5_000}
GOLD = {"id": "gold", "when": {"tiers": ["gold"]}, "bonus_bp": 2_000}
FRESH = {"category_rates_bp": {"fresh": 20_000}}
