"""Earning rules as a person would write them, to begin the next version with."""

import yaml

from loyalty.earning.rule_set import RuleSet


def written(rule_set: RuleSet) -> str:
    """The YAML that reads back as the same rules; what has its usual value is left out."""
    body = rule_set.model_dump(
        mode="json", by_alias=True, exclude={"version"}, exclude_defaults=True
    )
    return yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=90)
