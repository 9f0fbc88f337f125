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
from loyalty.wishes import stop_list
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
    assert "card_outside_budget" in {each.code for each in made.warnings}


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


JOINING = """
name: joining
title: {en: Joining, zh: 入会}
summary: {en: Points for joining., zh: 入会得积分。}
enter: {on: member.registered}
reentry: {once: per_member}
budget_points: 5000
journey:
  - grant: 500
"""


@pytest.mark.parametrize(
    ("audience", "reached"),
    [
        (None, 4),
        ('member.tier == "ordinary"', 3),
        ('member.tier == "gold"', 1),
        ("member.purchases > 0 || member.points > 0", 0),
        ('member.spend_within["30"] == 0 && member.days_since_store["shop"] > 90', 4),
        ("member.days_since_registration < 1 && 'vip' in member.tags", 1),
        ('"email/marketing" in member.consents', 2),
    ],
)
def test_who_joins_is_estimated_as_the_door_meets_them(
    planner: Planner, audience: str | None, reached: int
) -> None:
    """Three bought enough since to be gold, a fourth began as gold. Then four such join again."""
    yes = (Consent(channel="email", purpose="marketing", granted=True),)

    def four_join(day: str) -> list[str]:
        for n in range(3):
            planner.joins(f"{day}{n}", consents=yes if n else (), tags=("vip",) if n == 1 else ())
        planner.joins(f"{day}3", tier="gold")
        return [f"{day}{n}" for n in range(4)]

    four_join("before")
    for n in range(3):
        planner.buys(f"before{n}", f"r{n}", ("grocery", 1_500_000))
    template = load_texts("joining", {"campaign.yaml": JOINING})
    planner.clock.instant += timedelta(days=20)

    made = planner.estimates_texts(template, audience=audience, holdout_percent=0)
    planner.store.run(lambda tx: campaigns.launch(tx, "planned", 1, "mia"))
    entered = [id for id in four_join("after") if planner.enrolments(id)]

    assert made.reached == reached
    assert len(entered) == reached
    assert ("no_newcomer_fits" in {each.code for each in made.warnings}) == (reached == 0)


def test_service_messages_reach_by_what_the_audience_itself_said(planner: Planner) -> None:
    """Of three vips one is on the stop list and one wants no service mail; others do not count."""
    no = (Consent(channel="email", purpose="service", granted=False),)
    planner.joins("a", email="a@example.com", tags=("vip",))
    planner.joins("b", email="b@example.com", tags=("vip",), consents=no)
    planner.joins("c", email="c@example.com", tags=("vip",))
    planner.crowd(20)
    planner.store.run(lambda tx: stop_list(tx, "c", True, "mia", "asked"))
    texts = {
        "campaign.yaml": JOINING
        + "  - notify: {message: hi, channels: [inbox, email], purpose: service}\n",
        "messages/hi.en.j2": "Subject: Hi\n\nHi",
        "messages/hi.zh.j2": "Subject: 您好\n\n您好",
    }

    made = planner.estimates_texts(load_texts("joining", texts), audience="'vip' in member.tags")

    reached = {(each.channel, each.purpose): each.members for each in made.reachable}
    assert reached == {("inbox", "service"): 2, ("email", "service"): 1}


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
