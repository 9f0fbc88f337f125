"""Rules of the ladder that do not fit together are refused in words that say what would."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from loyalty.programme import Programme
from loyalty.tiers.settings import Tiers

SILVER = {"tier": "silver", "threshold": 100}
ORDINARY = {"tier": "ordinary", "threshold": 0}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ladder": [SILVER]}, "the first tier, silver, must have threshold 0"),
        (
            {"ladder": [ORDINARY, SILVER, {"tier": "gold", "threshold": 100}]},
            r"gold \(100\) must need more than silver \(100\)",
        ),
        (
            {"ladder": [ORDINARY, {"tier": "silver", "threshold": 0}]},
            r"silver \(0\) must need more than ordinary \(0\)",
        ),
        ({"ladder": [ORDINARY, SILVER, {**SILVER, "threshold": 200}]}, "once"),
        ({"ladder": [ORDINARY, {**SILVER, "threshold": -1}]}, "greater than or equal to 0"),
        ({"ladder": [ORDINARY, {**SILVER, "tier": "Silver!"}]}, "match pattern"),
        ({"ladder": [], "paid_levels": {"plus": "gold"}}, "the ladder is empty"),
        ({"paid_levels": {"plus": "platinum"}}, "platinum, which is not on the ladder: ordinary,"),
        ({"paid_levels": {"silver": "gold"}}, "silver is a tier itself"),
        ({"period": {"kind": "fixed_cycle"}}, "needs starts_on"),
        ({"period": {"starts_on": "2026-04-01"}}, "belongs to a fixed_cycle only"),
        ({"period": {"kind": "calendar_year", "months": 6}}, "has 12 months"),
        ({"period": {"months": 0}}, "greater than or equal to 1"),
        ({"metric": "balance"}, "spend_minor"),
        ({"downgrade": "one_down", "soft_landing": True}, "belongs to by_metric"),
        ({"grace_days": 3}, "keep never lowers a tier"),
        ({"validity_months": 0}, "greater than or equal to 1"),
        ({"thresholds": {}}, "Extra inputs"),
    ],
)
def test_bad_rules_are_refused(changes: dict[str, Any], says: str) -> None:
    """The message names the tier or setting at fault and what it should be."""
    with pytest.raises(ValidationError, match=says):
        Tiers.model_validate(changes)


def test_the_shop_ladder_is_there_without_a_setting() -> None:
    """Ordinary, silver, gold and diamond, counted by spend, never lowered by time alone."""
    tiers = Programme().tiers

    assert tiers.names == ("ordinary", "silver", "gold", "diamond")
    assert (tiers.metric, tiers.downgrade) == ("spend_minor", "keep")


def test_an_empty_ladder_leaves_tiers_to_the_shop() -> None:
    """No tier has a rank then, so none is ever touched."""
    tiers = Tiers(ladder=())

    assert tiers.rank("gold") is None
    assert tiers.reached(10**9) == 0


def test_campaigns_may_begin_with_a_change_of_tier() -> None:
    """A journey can greet who rose, and warn who may fall."""
    assert {"tier.changed", "tier.at_risk"} <= set(Programme().known_events)


def test_the_documented_rules_are_rules() -> None:
    """Whoever copies the page's settings into a programme file has a programme."""
    page = (Path(__file__).parents[2] / "docs" / "tiers.md").read_text()
    written = re.search(r"```yaml\n(tiers:.*?)```", page, re.DOTALL)
    assert written is not None

    tiers = Programme.model_validate(yaml.safe_load(written[1])).tiers

    assert tiers.paid_levels == {"plus": "gold"}
    assert [rung.threshold for rung in tiers.ladder] == [
        rung.threshold for rung in Programme().tiers.ladder
    ]
