"""What journeys cost on Temporal is promised in the README, so it is held here."""

import re
from pathlib import Path

import pytest

from benchmarks.costs import REFERENCE_ACTIONS_MAX, REFERENCE_EVENTS_MAX, dearest, main, table

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.timeout(180)
async def test_every_template_costs_what_the_readme_says() -> None:
    """The reference journey stays within 13 events and 5 actions, and no template grew."""
    costs = await main()

    figures = dearest(costs)
    assert figures["events"]["reference_journey"] <= REFERENCE_EVENTS_MAX
    assert figures["actions"]["reference_journey"] <= REFERENCE_ACTIONS_MAX
    said = re.search(r"<!-- costs -->\n(.*?)\n<!-- /costs -->", README.read_text(), re.DOTALL)
    assert said is not None, "the README has no table of costs"
    assert said[1].strip() == table(costs)
