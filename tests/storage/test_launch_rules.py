"""Before anybody meets a campaign: the budget rule, a second person, drafts and versions."""

from typing import Any

import pytest

from loyalty import campaigns, drafts, launch_approval
from loyalty.admission import compiled
from loyalty.campaign_request import CampaignRequest
from loyalty.comparison import compare
from loyalty.errors import ChangedMeanwhile, Invalid, KeyReused, Unknown, WrongState
from loyalty.journeys.load import load_named
from loyalty.launch_rule import OverBudgetRule
from loyalty.member_moves import SecondPersonNeeded
from loyalty.programme import Launch, Programme
from loyalty.records import Campaign
from loyalty.revising import revise
from storage.database import Database
from storage.store import SqlStore
from tests.storage.rows import StillClock
from tests.stories import TEMPLATES


class Desk:
    """A marketer's desk in a programme with launch rules of its own."""

    def __init__(self, database: Database, launch: Launch) -> None:
        self.store = SqlStore(database, StillClock(), Programme(launch=launch))
        self.template = load_named(TEMPLATES, "new_member_bonus")

    def wish(self, id: str = "hello", **more: Any) -> CampaignRequest:
        return CampaignRequest(id=id, name="Hello", template="new_member_bonus", **more)

    def drafts(self, id: str = "hello", **more: Any) -> Campaign:
        wish = self.wish(id, **more)
        return self.store.run(
            lambda tx: campaigns.draft(tx, self.template, wish, "mia", lambda made: ())
        )

    def revises(self, **more: Any) -> Campaign:
        wish = self.wish(**more)
        return self.store.run(lambda tx: revise(tx, wish, "mia", lambda made: ()))

    def launches(self, version: int = 1, actor: str = "mia") -> Campaign:
        return self.store.run(lambda tx: campaigns.launch(tx, "hello", version, actor))

    def approves(self, actor: str, version: int = 1) -> Campaign:
        return self.store.run(lambda tx: launch_approval.approve(tx, "hello", version, actor))

    def declines(self, actor: str, reason: str, version: int = 1) -> None:
        self.store.run(lambda tx: launch_approval.decline(tx, "hello", version, reason, actor))

    def request(self) -> Any:
        return self.store.read(lambda tx: tx.campaigns.launch_request("hello"))


@pytest.fixture
def desk(database: Database) -> Any:
    return lambda **launch: Desk(database, Launch(**launch))


@pytest.mark.parametrize(
    ("rule", "budget", "which"),
    [
        ({}, 10**9, None),
        ({"most_points": 200_000}, 200_000, None),
        ({"most_points": 200_000}, 200_001, "most_points"),
        # 100 points are worth one yuan, so 200,000 points cost 2,000.00.
        ({"most_cost_minor": 200_000}, 200_000, None),
        ({"most_cost_minor": 200_000}, 200_001, "most_cost_minor"),
    ],
)
def test_a_launch_over_the_budget_rule_is_refused_with_the_figure(
    desk: Any, rule: dict[str, Any], budget: int, which: str | None
) -> None:
    """Up to the limit it goes; one point above it is refused, and the draft stays a draft."""
    here = desk(**rule)
    here.drafts(budget_points=budget)
    if which is None:
        assert here.launches().state == "launched"
        return
    with pytest.raises(OverBudgetRule) as refused:
        here.launches()
    assert refused.value.facts["rule"] == which
    assert here.store.read(lambda tx: tx.campaigns.get("hello")).state == "draft"


def test_a_launch_waits_for_a_second_person(desk: Any) -> None:
    """Mia asks, and asks again; she cannot approve; Wu can, and both are on record."""
    here = desk(second_person=True)
    here.drafts()

    assert [here.launches().state for _ in range(2)] == ["draft", "draft"]
    with pytest.raises(SecondPersonNeeded):
        here.approves("mia")
    assert here.approves("wu").state == "launched"

    assert here.request() is None
    with pytest.raises(WrongState):
        here.approves("wu")


def test_a_changed_draft_is_asked_for_anew(desk: Any) -> None:
    """What Wu approves is what Mia asked for, never what it became since."""
    here = desk(second_person=True)
    here.drafts()
    here.launches()
    here.revises(values={"welcome_points": 600})

    with pytest.raises(WrongState):
        here.approves("wu", 2)
    here.launches(2)
    assert here.request().version == 2
    assert here.approves("wu", 2).state == "launched"


def test_nobody_decides_on_what_they_have_not_read(desk: Any) -> None:
    """Wu read a request for a small budget; Mia asks for a large one before Wu has pressed."""
    here = desk(second_person=True)
    here.drafts(budget_points=100)
    here.launches()
    here.revises(budget_points=5_000_000)
    with pytest.raises(ChangedMeanwhile):
        here.launches(1)
    here.launches(2)

    for decides in (here.approves, lambda who: here.declines(who, "Too dear")):
        with pytest.raises(ChangedMeanwhile) as refused:
            decides("wu")
        assert (refused.value.facts["read"], refused.value.facts["version"]) == (1, 2)
    assert (here.request().state, here.request().version) == ("waiting", 2)
    assert here.approves("wu", 2).state == "launched"


def test_a_declined_launch_says_why_and_may_be_asked_for_again(desk: Any) -> None:
    """The reason stands beside the draft until somebody asks again."""
    here = desk(second_person=True)
    here.drafts()
    here.launches()
    here.declines("wu", "Not before the holiday")

    assert (here.request().state, here.request().reason) == ("declined", "Not before the holiday")
    with pytest.raises(WrongState):
        here.approves("wu")
    here.launches()
    assert (here.request().state, here.request().reason) == ("waiting", None)


def test_the_budget_rule_holds_for_approvals_too(desk: Any) -> None:
    """Asking is refused, so there is nothing to approve."""
    here = desk(second_person=True, most_points=100)
    here.drafts(budget_points=1_000)
    with pytest.raises(OverBudgetRule):
        here.launches()
    assert here.request() is None


def test_a_running_campaign_is_held_to_the_rule_it_was_launched_by(desk: Any) -> None:
    """A small budget is no way to a large one: changed later, it is refused as at the launch."""
    here = desk(most_points=200_000)
    here.drafts(budget_points=100_000)
    here.launches()

    with pytest.raises(OverBudgetRule):
        here.revises(budget_points=200_001)

    assert here.revises(budget_points=200_000).version == 2


def test_one_person_does_not_raise_what_two_have_launched(desk: Any) -> None:
    """The texts and a lower budget may change; more points, or no limit, take a new campaign."""
    here = desk(second_person=True)
    here.drafts(budget_points=100_000)
    here.launches()
    here.approves("kai")

    for more in (100_001, None):
        with pytest.raises(Invalid) as refused:
            here.revises(budget_points=more)
        [problem] = refused.value.problems
        assert (problem["field"], problem["code"]) == ("budget_points", "second_person")

    assert here.revises(budget_points=90_000).version == 2


def test_a_copy_says_the_same_and_lives_its_own_life(desk: Any) -> None:
    """The same copy again is the one that is there; its id is not given to anything else."""
    here = desk()
    here.drafts(values={"welcome_points": 600})
    here.launches()

    def copy(name: str) -> Any:
        return here.store.run(lambda tx: drafts.duplicate(tx, "hello", "again", name, "mia"))

    made, replayed = copy("Hello again")
    assert (made.state, made.version, replayed) == ("draft", 1, False)
    assert copy("Hello again")[1] is True
    with pytest.raises(KeyReused):
        copy("Something else")
    both = here.store.read(lambda tx: [tx.campaigns.version(id, 1) for id in ("hello", "again")])
    assert compare(*(compiled(each) for each in both)) == []


def test_a_draft_can_be_thrown_away_but_nothing_that_was_launched(desk: Any) -> None:
    """It is gone, and its id with it: a version, once made, never means something else."""
    here = desk()
    here.drafts()
    here.store.run(lambda tx: drafts.discard(tx, "hello", "mia"))

    assert here.store.read(lambda tx: tx.campaigns.get("hello")) is None
    with pytest.raises(Unknown):
        here.launches()
    with pytest.raises(KeyReused):
        here.drafts(values={"welcome_points": 600})

    here.drafts("other")
    here.store.run(lambda tx: campaigns.launch(tx, "other", 1, "mia"))
    with pytest.raises(WrongState):
        here.store.run(lambda tx: drafts.discard(tx, "other", "mia"))


def test_the_draft_of_an_exchange_is_changed_until_it_is_launched(desk: Any) -> None:
    """A wrong figure, or a copy of last month's with last month's hours, costs no new form."""
    here = desk()
    template = load_named(TEMPLATES, "limited_time_exchange")

    def wish(closes: str) -> CampaignRequest:
        hours = {"opens_at": "2026-03-05T10:00:00+08:00", "closes_at": closes}
        return CampaignRequest(id="hello", name="Cups", template=template.name, values=hours)

    first, longer = wish("2026-03-06T10:00:00+08:00"), wish("2026-03-07T10:00:00+08:00")
    here.store.run(lambda tx: campaigns.draft(tx, template, first, "mia", lambda made: ()))

    assert here.store.run(lambda tx: revise(tx, longer, "mia", lambda made: ())).version == 2
    here.launches(version=2)
    offer = here.store.read(lambda tx: tx.offers.get("hello"))
    assert offer.closes_at.isoformat() == "2026-03-07T02:00:00+00:00"
    with pytest.raises(WrongState, match="keeps its terms"):
        here.store.run(lambda tx: revise(tx, first, "mia", lambda made: ()))


def test_two_versions_are_compared_in_what_a_marketer_set(desk: Any) -> None:
    """Points, audience and budget by name; the steps and texts they change, and nothing else."""
    here = desk()
    here.drafts()
    here.revises(
        values={"welcome_points": 600}, audience='member.tier == "gold"', budget_points=5_000_000
    )
    newer, older = here.store.read(lambda tx: tx.campaigns.versions("hello"))

    found = compare(compiled(older), compiled(newer))

    assert [(d.part, d.before, d.after) for d in found] == [
        ("values", 500, 600),
        ("audience", None, 'member.tier == "gold"'),
        ("budget", 1_000_000, 5_000_000),
        ("steps", 500, 600),
    ]
    assert compare(compiled(newer), compiled(newer)) == []
