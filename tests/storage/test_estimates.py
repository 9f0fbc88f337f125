"""What an estimate before launch is counted from, on real rows of both databases."""

from datetime import timedelta

import pytest

from loyalty import campaigns, rehearsal
from loyalty.admission import compiled
from loyalty.campaign_request import CampaignRequest
from loyalty.estimate import Estimate
from loyalty.journeys.load import load_named, load_texts
from loyalty.programme import Programme
from loyalty.registration import Consent
from loyalty.templates import Template
from storage.database import Database
from storage.estimates import SqlEstimates
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock
from tests.stories import TEMPLATES


class Planner(FrontDesk):
    """A front desk, and the marketer who plans behind it."""

    def estimates(self, template: str, **more: object) -> Estimate:
        """The estimate of a draft."""
        return self.estimates_texts(load_named(TEMPLATES, template), **more)

    def estimates_texts(self, read: Template, **more: object) -> Estimate:
        request = CampaignRequest.model_validate(
            {"id": "planned", "name": "Planned", "template": read.name, **more}
        )
        self.store.run(lambda tx: campaigns.draft(tx, read, request, "mia", lambda made: ()))
        rules = self.store.read(lambda tx: compiled(tx.campaigns.version("planned", 1)))
        counted = SqlEstimates(self.store.database, self.clock, Programme())
        facts = counted.facts("planned", rules)
        return self.store.read(lambda tx: rehearsal.estimated(tx, "planned", None, facts))


@pytest.fixture
def planner(database: Database) -> Planner:
    clock = StillClock()
    return Planner(SqlStore(database, clock, Programme()), clock)


def test_past_runs_say_what_to_expect(planner: Planner) -> None:
    """Forty joined, each with 500 points of the 1,100 that one run can cost."""
    bonus = planner.launch("new_member_bonus")
    planner.crowd(40)
    for enrolment in [each for n in range(40) for each in planner.enrolments(f"m{n:03}")]:
        planner.take_turns(enrolment.member_id)
    assert planner.campaign(bonus).granted_points == 40 * 500

    made = planner.estimates("new_member_bonus", holdout_percent=0)

    assert (made.reached, made.treated, made.past_runs) == (40, 40, 40)
    # A few points are lost in whole division; none are here.
    assert made.points_expected == 40 * 500
    assert made.cost_expected_minor == 40 * 500
    assert made.points_per_member == 1_100


def test_too_few_runs_say_nothing(planner: Planner) -> None:
    """Ten runs are no ground for a figure, and the page says so."""
    planner.launch("new_member_bonus")
    planner.crowd(10)

    made = planner.estimates("new_member_bonus")

    assert (made.points_expected, made.past_runs) == (None, 10)


def test_reach_goes_by_consent_address_and_stop_list(planner: Planner) -> None:
    """Of four dormant members with purchases, two may be written to by e-mail."""
    long_ago = planner.clock.now() - timedelta(days=120)
    yes = (Consent(channel="email", purpose="marketing", granted=True),)
    addresses = {"a": "a@example.com", "b": "b@example.com", "c": "c@example.com", "d": None}
    for id, email in addresses.items():
        consents = () if id == "c" else yes
        planner.joins(id, email=email, consents=consents, registered_at=long_ago)
        planner.buys(id, f"r/{id}", ("grocery", 10_000), occurred_at=long_ago)
    planner.joins("awake")

    made = planner.estimates("dormant_wake_up", holdout_percent=25)

    assert (made.entering, made.reached, made.held_out, made.treated) == ("daily", 4, 1, 3)
    reached = {(each.channel, each.purpose): each.members for each in made.reachable}
    assert reached["email", "marketing"] == 2
    assert reached["inbox", "marketing"] == 4
    assert made.points_most == 0
    assert made.card_multiplier_bp == 20_000
    assert "card" in made.stack.rules


THANKS = """
name: thanks
title: {{en: Thanks, zh: 感谢}}
summary: {{en: Points for buying., zh: 消费得积分。}}
enter: {{on: purchase{where}}}
reentry: {reentry}
budget_points: 5000
journey:
  - grant: 500
"""


@pytest.mark.parametrize(
    ("reentry", "where", "audience", "reached", "at_most"),
    [
        ("{once: per_member}", "", None, 2, False),
        ("{again_after: P30D}", "", None, 8, False),
        ("{again_after: P1Y}", "", None, 2, False),
        ("{once: per_member}", ", where: event.amount_minor >= 5000", None, 2, True),
        ("{once: per_member}", "", "'vip' in member.tags", 1, False),
        ("{once: per_member}", "", "member.points > 10000", 0, False),
    ],
)
def test_an_entry_by_event_counts_members_and_not_receipts(
    planner: Planner, reentry: str, where: str, audience: str | None, reached: int, at_most: bool
) -> None:
    """Two members with ten receipts each, one of them a vip: who may enter, and how often."""
    planner.joins("ann", tags=("vip",))
    planner.joins("bea")
    for n in range(20):
        planner.buys("ann" if n % 2 else "bea", f"r{n}", ("grocery", 1000))
    planner.clock.instant += timedelta(days=1)
    files = {"campaign.yaml": THANKS.format(reentry=reentry, where=where)}

    made = planner.estimates_texts(load_texts("thanks", files), audience=audience)

    assert (made.reached, made.at_most, made.exact) == (reached, at_most, False)
    assert made.treated == reached


def test_an_exchange_takes_points_in(planner: Planner) -> None:
    """No point is given: all the stock at its price is what may come back."""
    opens = planner.clock.now() + timedelta(days=2)
    window = {"opens_at": opens.isoformat(), "closes_at": (opens + timedelta(days=1)).isoformat()}
    planner.crowd(3)

    made = planner.estimates("limited_time_exchange", values={"stock": 10, **window})

    assert (made.entering, made.reached, made.points_most) == ("none", 3, 0)
    assert made.redeemed_most == 10 * 1_500
    assert [each.code for each in made.warnings] == []


def test_nobody_fits_and_nobody_is_held_out(planner: Planner) -> None:
    """Both are said before the launch, not found out after it."""
    made = planner.estimates("dormant_wake_up", holdout_percent=0)

    assert {each.code for each in made.warnings} >= {"nobody_reached", "no_holdout"}
