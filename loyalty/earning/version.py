"""One version of the earning rules: what it says, and from when on."""

from dataclasses import dataclass
from datetime import datetime

from loyalty.earning.rule_set import RuleSet


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """Immutable once made. Of the versions active at an instant, the latest `active_from` wins."""

    version: int
    body: RuleSet
    active_from: datetime
    created_at: datetime
    created_by: str
    hash: str
