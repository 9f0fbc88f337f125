"""What goes along when two cards turn out to be one person's: tiers, gifts, and open journeys."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bootstrap.tier_review import TierReviews
from bootstrap.walk import Faults
from loyalty.erasure import Erasure, erase
from loyalty.gifting import Gift, give
from loyalty.journeys.load import load_texts
from loyalty.member_details import DetailsChange, change_details
from loyalty.member_moves import GiftRefused
from loyalty.merging import Merger, merge
from loyalty.programme import Gifting, Programme
from loyalty.registration import Consent
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.play import Simulation, simulate
from loyalty.tiers.by_hand import TierGiven, set_tier, standing_of
from loyalty.tiers.settings import Rung, Tiers
from loyalty.tiers.standing import Standing
from loyalty.wishes import consent
from storage import tables
from storage.database import Database
from storage.proof import prove
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock

DAY = timedelta(days=1)
BONUS = "new-member-bonus"
LADDER = (
    Rung(tier="ordinary", threshold=0),
    Rung(tier="silver", threshold=100_000, gift_points=10),
    Rung(tier="gold", threshold=500_000, gift_points=50),
)


class Desk(FrontDesk):
    def does_the_pack(self) -> int:
        """`new` joins, and buys twice in a month: the points of each of the two receipts."""
        self.joins("new")
        self.open_month()
        self.take_turns("new")
        earned = 0
        for number in (1, 2):
            self.clock.instant += DAY
            earned = self.buys("new", f"r{number}", ("grocery", 10_000))["points"]
        self.take_turns("new")
        return earned

    def merges(self, gone: str = "old", into: str = "lee", **more: Any) -> dict[str, Any]:
        merger = Merger(id=f"{gone}-{into}", reason="same person", **more)
        return self.store.run(lambda tx: merge(tx, gone, into, merger, "ola"))

    def erases(self, member_id: str) -> None:
        erasure = Erasure(id=member_id, reason="asked by the member")
        self.store.run(lambda tx: erase(tx, member_id, erasure, "ola"))

    def gives(self, member_id: str, **given: Any) -> None:
        self.store.run(lambda tx: set_tier(tx, member_id, TierGiven(**given), "sorry", "mia"))

    def changes(self, member_id: str, **details: Any) -> None:
        change = DetailsChange(**details)
        self.store.run(lambda tx: change_details(tx, member_id, change, "ola"))

    def says(self, member_id: str, granted: bool) -> None:
        said = Consent(channel="email", purpose="service", granted=granted)
        self.store.run(lambda tx: consent(tx, member_id, [said], "ola"))

    def nights(self, number: int) -> None:
        """Midnights come, and everybody who is due is looked at."""
        for _ in range(number):
            self.clock.instant += DAY
            TierReviews(self.store, Faults())(self.clock.now())

    def decided(self) -> list[Any]:
        return self._rows(select(tables.decisions))

    def said(self) -> list[tuple[Any, ...]]:
        c = tables.consents.c
        return [
            tuple(row) for row in self._rows(select(c.member_id, c.channel, c.purpose, c.granted))
        ]

    def standing(self, member_id: str = "lee") -> Standing:
        return self.store.read(lambda tx: standing_of(tx, self.member(member_id)))

    def reserved(self) -> int:
        return self.campaign(BONUS).reserved_points

    def opens(self) -> None:
        """The bonus for new members runs: 500 points, a double card, and a first order awaited."""
        self.launch("new_member_bonus")
        list(self.campaign_turns(BONUS))

    def foresees(self, campaign: str, member_id: str) -> Simulation:
        """The member's next weeks, as a preview shows them."""
        found, version, member = (
            self.campaign(campaign),
            self.version(campaign),
            self.member(member_id),
        )
        return self.store.read(lambda tx: simulate(tx, found, version, member, Assumption()))

    def proved(self) -> bool:
        with self.store.database.read() as connection:
            return prove(connection).ok


def desk_of(database: Database, ladder: Sequence[Rung] = LADDER, **tiers: Any) -> Desk:
    clock = StillClock()
    programme = Programme(
        tiers=Tiers(ladder=tuple(ladder), **tiers), gifting=Gifting(sent_monthly=100, wait_days=0)
    )
    return Desk(SqlStore(database, clock, programme), clock)


@pytest.fixture
def desk(database: Database) -> Desk:
    """Two cards in a programme with a ladder of 1,000 and 5,000 yuan."""
    desk = desk_of(database)
    for name in ("lee", "old"):
        desk.joins(name, registered_at=NOON - 60 * DAY)
    return desk


@pytest.mark.parametrize(("gone", "stays"), [("old", "wu"), ("wu", "old")])
def test_the_card_in_the_purse_is_the_survivors(desk: Desk, gone: str, stays: str) -> None:
    """It is one member's at any time, also while it changes hands."""
    desk.joins("wu")
    desk.changes(gone, card_no="C-0001")

    desk.merges(gone, stays)

    assert desk.member(stays).card_no == "C-0001"
    assert desk.store.read(lambda tx: tx.members.found_by("card_no", "C-0001")) == [stays]


# --- tiers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["spend_minor", "points_earned"])
def test_what_both_cards_bought_counts_for_the_tier(database: Database, metric: str) -> None:
    """600 yuan on one card and 500 on the other are silver, with one gift; a refund counts too."""
    points = (LADDER[0], Rung(tier="silver", threshold=100, gift_points=10))
    desk = desk_of(database, LADDER if metric == "spend_minor" else points, metric=metric)
    for name, minor in (("old", 60_000), ("lee", 50_000)):
        desk.joins(name, registered_at=NOON - 60 * DAY)
        desk.buys(name, f"r-{name}", ("grocery", minor))
    assert desk.member("lee").tier == "ordinary"

    assert desk.merges()["tier"] == "silver"

    assert desk.member("lee").tier == "silver"
    assert desk.balance("lee").posted == 60 + 50 + 10
    whole = desk.standing().metric
    desk.returns("r-old")
    assert desk.standing().metric == whole * 50 // 110
    assert desk.proved()


def test_an_earned_tier_that_goes_along_is_lost_with_what_earned_it(desk: Desk) -> None:
    """Old's silver is lee's, without a second gift; when all comes back, it is ordinary again."""
    desk.buys("old", "r1", ("grocery", 100_000))

    assert desk.merges()["tier"] == "silver"

    assert desk.balance("lee").posted == 100 + 10
    desk.returns("r1")
    desk.nights(1)
    assert desk.member("lee").tier == "ordinary"


def test_a_tier_that_was_given_by_hand_goes_along_as_that(desk: Desk) -> None:
    """No purchase earned it, so no return takes it."""
    desk.buys("old", "r1", ("grocery", 1_000))
    desk.gives("old", tier="gold")

    desk.merges()

    desk.returns("r1")
    desk.nights(1)
    assert desk.member("lee").tier == "gold"


def test_a_person_gets_the_gift_of_a_tier_once_a_period(desk: Desk) -> None:
    """Had under an old card, also of a merger before: the survivor who rises again had it."""
    desk.buys("old", "r1", ("grocery", 100_000))
    desk.returns("r1")
    desk.nights(1)
    assert (desk.member("old").tier, desk.balance("old").posted) == ("ordinary", 10)
    desk.joins("wu")
    desk.merges("old", "wu")
    desk.merges("wu", "lee")

    desk.buys("lee", "r2", ("grocery", 500_000))

    assert desk.member("lee").tier == "gold"
    assert desk.balance("lee").posted == 10 + 500 + 50


def test_a_tier_goes_along_with_the_time_it_is_valid_for(desk: Desk) -> None:
    """Gold until autumn stays gold until autumn: no longer by a new period, and no shorter."""
    until = NOON + 100 * DAY
    desk.gives("old", tier="gold", until=until)
    desk.gives("lee", tier="silver", until=NOON + 300 * DAY)

    assert desk.merges()["tier"] == "gold"
    assert (desk.standing().ladder_tier, desk.standing().valid_until) == ("gold", until)


def test_of_two_equal_tiers_the_longer_one_counts(desk: Desk) -> None:
    """The person paid for the longer one too."""
    desk.gives("old", tier="gold", until=NOON + 200 * DAY)
    desk.gives("lee", tier="gold", until=NOON + 100 * DAY)

    desk.merges()

    assert desk.standing().valid_until == NOON + 200 * DAY


def test_a_level_that_was_paid_for_goes_along(database: Database) -> None:
    """The year card was bought once, and counts on the card that is left."""
    desk = desk_of(database, paid_levels={"plus": "gold"})
    for name in ("lee", "old"):
        desk.joins(name)
    until = NOON + 200 * DAY
    desk.gives("old", kind="paid", tier="plus", until=until)
    desk.gives("lee", tier="silver")

    assert desk.merges()["tier"] == "plus"

    stands = desk.standing()
    assert (stands.ladder_tier, stands.paid_level, stands.paid_until) == ("silver", "plus", until)


# --- what members were given --------------------------------------------------------------------


def test_cards_and_coupons_go_along(desk: Desk) -> None:
    """The double card of the old membership doubles what the survivor buys."""
    desk.opens()
    desk.joins("new")
    desk.take_turns("new")
    desk.store.run(lambda tx: tx.cards.coupon("c1", "new", BONUS, "tea", NOON + DAY))

    desk.merges("new", "lee")

    assert desk.buys("lee", "r1", ("grocery", 10_000))["points"] == 20
    coupons = tables.coupons.c
    assert [row.member_id for row in desk._rows(select(coupons.member_id))] == ["lee"]


@pytest.mark.parametrize(
    ("said", "stands", "then"),
    [(False, None, False), (True, None, True), (False, True, False), (True, False, False)],
)
def test_a_no_goes_along_and_stays_a_no(
    desk: Desk, said: bool, stands: bool | None, then: bool
) -> None:
    """Whoever refused service mail on one card is not written to because of the other."""
    desk.says("old", said)
    if stands is not None:
        desk.says("lee", stands)

    desk.merges()

    assert desk.said() == [("lee", "email", "service", then)]


def test_two_cards_give_no_more_a_month_than_one(desk: Desk) -> None:
    """What was given away with the old card counts for the limit of the person (rule 25)."""
    desk.joins("kim")
    for name in ("lee", "old"):
        desk.store.run(lambda tx, n=name: tx.ledger.earn(f"had/{n}", n, 200))  # type: ignore[misc]
    desk.store.run(lambda tx: give(tx, "old", Gift(id="g1", to="kim", points=60)))
    desk.merges()

    with pytest.raises(GiftRefused):
        desk.store.run(lambda tx: give(tx, "lee", Gift(id="g2", to="kim", points=41)))


# --- journeys -----------------------------------------------------------------------------------


def test_an_open_journey_goes_on_for_the_survivor(desk: Desk) -> None:
    """The old card's welcome is on its way: the survivor's first order completes it."""
    desk.opens()
    desk.joins("new")
    desk.take_turns("new")
    run = desk.enrolment("new").id

    desk.merges("new", "lee")
    desk.take_turns("lee")
    assert desk.enrolment("lee").state == "waiting"
    desk.buys("lee", "r1", ("grocery", 10_000))
    desk.take_turns("lee")

    ended = desk.enrolment("lee")
    assert (ended.id, ended.state, ended.outcome) == (run, "ended", "ordered")
    assert desk.reserved() == 0
    assert desk.proved()


@pytest.mark.parametrize("budget", [1000, 5000])
def test_an_inviter_who_comes_with_a_merger_is_not_paid_by_a_journey_entered_without(
    desk: Desk, budget: int
) -> None:
    """No points were kept for an inviter: none are given, whether others left some or not."""
    for name in ("host", "guest"):
        desk.joins(name, **{"invited_by": "host"} if name == "guest" else {})
    desk.launch("new_member_bonus", values={"budget_points": budget})
    desk.joins("new")
    desk.take_turns("new")
    assert desk.reserved() == 300

    desk.merges("new", "guest")
    desk.clock.instant += DAY
    desk.buys("guest", "r1", ("grocery", 10_000))
    foreseen = desk.foresees(BONUS, "guest")
    desk.take_turns("guest")

    campaign = desk.campaign(BONUS)
    assert desk.enrolment("guest").outcome == "ordered"
    assert (campaign.granted_points, campaign.reserved_points) == (500 + 300, 0)
    assert desk.balance("host").posted == 0
    skipped = {each.step_id for each in desk.decided() if each.reason == "inviter_came_later"}
    assert skipped == {"inviter_reward", "notify_inviter_reward"}
    assert [(each.member_id, each.points) for each in foreseen.credits] == [("guest", 300)]
    assert desk.proved()


def test_nobody_is_their_own_inviter_by_a_merger_of_mergers(desk: Desk) -> None:
    """Who invited new turns out, by way of another card, to be the same person (rule 18)."""
    desk.opens()
    desk.joins("new", invited_by="lee")
    desk.take_turns("new")

    desk.merges("lee", "old")
    desk.merges("old", "new")
    earned = desk.buys("new", "r1", ("grocery", 10_000))["points"]
    desk.take_turns("new")

    assert desk.member("new").inviter_id is None
    assert desk.balance("new").posted == 500 + earned
    assert (desk.reserved(), desk.campaign(BONUS).granted_points) == (0, 500)


def test_what_the_other_card_bought_meanwhile_completes_a_journey(desk: Desk) -> None:
    """The person had ordered, with the other card: merging tells the journey."""
    desk.opens()
    desk.joins("new")
    desk.take_turns("new")
    desk.clock.instant += DAY
    desk.buys("lee", "r1", ("grocery", 10_000))
    assert desk.enrolment("new").state == "waiting"

    desk.merges("new", "lee")
    assert desk.outbox("nudge_journey")[-1].workflow_id == desk.enrolment("lee").id
    desk.take_turns("lee")

    assert desk.enrolment("lee").outcome == "ordered"


def test_a_journey_that_both_are_in_goes_on_once(desk: Desk) -> None:
    """One person is welcomed once: the old card's journey ends as `merged` and frees its budget."""
    desk.opens()
    for name in ("first", "second"):
        desk.joins(name)
        desk.take_turns(name)
    for_two = desk.reserved()

    desk.merges("first", "second")
    desk.take_turns("first")
    desk.take_turns("second")

    ended, going_on = desk.enrolment("first"), desk.enrolment("second")
    assert (ended.state, ended.outcome) == ("ended", "merged")
    assert going_on.state == "waiting"
    assert desk.reserved() == for_two // 2
    desk.buys("first", "r1", ("grocery", 10_000))
    desk.take_turns("second")
    assert desk.enrolment("second").outcome == "ordered"
    assert desk.enrolment("first").outcome == "merged"


AGAIN = """
name: again
title: {en: Again, zh: 再来}
summary: {en: Points for buying after a review., zh: 评价后消费得积分。}
enter: {on: review}
reentry: {again_after: P30D}
budget_points: 5000
journey:
  - id: buy
    await: {on: purchase, within: P20D}
    met:
      - grant: 500
"""


def test_one_receipt_completes_one_of_two_journeys_that_may_come_again(desk: Desk) -> None:
    """Both cards wait in one campaign, each entered by a review of its own: one wait goes on."""
    desk.launch_texts(load_texts("again", {"campaign.yaml": AGAIN}))
    for name in ("old", "lee"):
        desk.does(name, "review")
        desk.take_turns(name)
    assert desk.campaign("again").reserved_points == 1000

    desk.merges()
    desk.take_turns("old")
    desk.take_turns("lee")
    desk.clock.instant += DAY
    earned = desk.buys("lee", "r1", ("grocery", 10_000))["points"]
    desk.take_turns("lee")

    assert (desk.enrolment("old").outcome, desk.enrolment("lee").outcome) == ("merged", "completed")
    assert desk.balance("lee").posted == earned + 500
    campaign = desk.campaign("again")
    assert (campaign.granted_points, campaign.reserved_points) == (500, 0)


@pytest.mark.parametrize(("days", "counts"), [(0, False), (25, True)])
def test_an_act_that_was_rewarded_completes_no_journey_that_a_merger_brings(
    desk: Desk, days: int, counts: bool
) -> None:
    """The survivor's receipt had its reward while the old card waited; a later wait goes on."""
    desk.launch_texts(load_texts("again", {"campaign.yaml": AGAIN}))
    desk.does("lee", "review")
    desk.take_turns("lee")
    if not days:
        desk.does("old", "review")
        desk.take_turns("old")
    desk.clock.instant += DAY
    earned = desk.buys("lee", "r1", ("grocery", 10_000))["points"]
    desk.take_turns("lee")
    desk.clock.instant += days * DAY
    if days:
        desk.does("old", "review")
        desk.take_turns("old")

    desk.merges()
    for name in ("old", "lee"):
        desk.take_turns(name)

    states = [run.state for run in desk.enrolments("lee")]
    assert states == (["ended", "waiting"] if counts else ["ended"])
    assert desk.balance("lee").posted == earned + 500
    assert desk.campaign("again").reserved_points == (500 if counts else 0)


def test_a_receipt_that_was_rewarded_under_the_old_card_completes_nothing_more(desk: Desk) -> None:
    """Old bought and had the reward while lee waited: the person's one run is old's."""
    desk.launch_texts(load_texts("again", {"campaign.yaml": AGAIN}))
    for name in ("old", "lee"):
        desk.does(name, "review")
        desk.take_turns(name)
    desk.clock.instant += DAY
    earned = desk.buys("old", "r1", ("grocery", 10_000))["points"]
    desk.take_turns("old")

    desk.merges()
    desk.take_turns("lee")

    assert [run.outcome for run in desk.enrolments("lee")] == ["completed", "cancelled"]
    assert desk.balance("lee").posted == earned + 500
    assert desk.campaign("again").reserved_points == 0


@pytest.mark.parametrize(("ordered", "outcome"), [(True, "cancelled"), (False, "ordered")])
def test_who_was_welcomed_and_ordered_has_no_second_first_order(
    database: Database, ordered: bool, outcome: str
) -> None:
    """Two cards welcomed: the first order counts once, with whichever of them it was made."""
    desk = desk_of(database)
    desk.opens()
    for name in ("host", "one", "two"):
        desk.joins(name, **{} if name == "host" else {"invited_by": "host"})
        desk.take_turns(name)
    if ordered:
        desk.clock.instant += DAY
        desk.buys("one", "r1", ("grocery", 10_000))
    else:
        desk.clock.instant += 35 * DAY
        desk.joins("late", invited_by="host")
        desk.take_turns("late")
    desk.take_turns("one")
    before = desk.balance("host").posted

    into = "two" if ordered else "late"
    desk.merges("one", into)
    desk.clock.instant += DAY
    desk.buys(into, "r2", ("grocery", 10_000))
    desk.take_turns(into)

    assert desk.enrolment(into).outcome == outcome
    assert desk.balance("host").posted - before == (0 if ordered else 300)


def test_last_months_pack_goes_on_beside_this_months(desk: Desk) -> None:
    """It waits for late uploads only, and no purchase belongs to two months."""
    desk.launch("monthly_task_pack")
    desk.joins("new")
    desk.open_month()
    desk.take_turns("new")
    desk.joins("young")
    desk.clock.instant += 30 * DAY
    list(desk.campaign_turns("monthly-task-pack"))
    for name in ("new", "young"):
        desk.take_turns(name)

    desk.merges("new", "young")
    for name in ("new", "young"):
        desk.take_turns(name)

    going_on = {(run.entry_key, run.state) for run in desk.enrolments("young")}
    assert going_on == {("2026-04", "waiting"), ("2026-05", "waiting")}
    assert [(run.entry_key, run.outcome) for run in desk.enrolments("new")] == [
        ("2026-05", "merged")
    ]


def test_who_was_welcomed_once_is_not_welcomed_again(desk: Desk) -> None:
    """An ended journey goes along too: the survivor does not enter what allows one entry."""
    desk.opens()
    desk.joins("new")
    desk.merges("new", "lee")

    assert [run.member_id for run in desk.enrolments("lee")] == ["lee"]
    with pytest.raises(ValueError, match="not enough values"):
        desk.enrolment("new")


def test_a_reward_undone_after_a_merger_is_taken_from_who_lives_on(desk: Desk) -> None:
    """700 points for a month's purchases went along; goods come back, and they are not kept."""
    desk.launch("monthly_task_pack", values={"purchases": 2, "purchase_points": 700})
    earned = desk.does_the_pack()
    assert desk.balance("new").posted == 2 * earned + 700
    desk.joins("young")
    desk.merges("new", "young")
    assert desk.balance("young").available == 2 * earned + 700

    desk.returns("r2")
    foreseen = desk.foresees("monthly-task-pack", "young")
    desk.take_turns("young")

    assert [(each.member_id, each.points) for each in foreseen.credits] == [("young", -700)]
    assert desk.balance("young").available == earned
    assert (desk.balance("new").posted, desk.balance("new").debt) == (0, 0)
    assert desk.proved()


def test_a_reward_that_the_merger_took_back_is_not_taken_twice(desk: Desk) -> None:
    """Both cards had the bonus, so one went; the goods behind it come back, and the run goes on."""
    pack = desk.launch("monthly_task_pack", values={"purchases": 2, "purchase_points": 700})
    earned = desk.does_the_pack()
    desk.joins("young")
    [bonus] = [each.key for each in desk.decided() if each.inputs.get("points") == 700]
    desk.merges("new", "young", reverse=(bonus,))

    desk.returns("r2")
    desk.take_turns("young")

    assert desk.balance("young").available == earned
    [undone] = [each for each in desk.decided() if each.reason == "goal_undone"]
    assert undone.inputs["points"] == 0
    assert desk.campaign(pack).granted_points == 0
    assert desk.proved()


def test_an_erased_members_journeys_end_and_say_nothing_more(desk: Desk) -> None:
    """Every journey is woken, ends as `erased`, frees its budget and forgets what it carried."""
    desk.opens()
    desk.joins("ann", name="Ann Secret")
    desk.take_turns("ann")
    desk.joins("may", name="Ann Secret")
    desk.merges("may", "ann")
    woken = len(desk.outbox("nudge_journey"))

    desk.erases("ann")
    assert desk.outbox("nudge_journey")[woken:][-1].workflow_id == desk.enrolment("ann").id
    desk.take_turns("ann")
    desk.take_turns("may")

    assert (desk.enrolment("ann").state, desk.enrolment("ann").outcome) == ("ended", "erased")
    assert {run.outcome for run in desk.enrolments("may")} <= {"erased", "merged"}
    assert desk.reserved() == 0
    hashes = tables.members.c.body_hash
    mine = tables.members.c.id.in_(("ann", "may"))
    assert {row.body_hash for row in desk._rows(select(hashes).where(mine))} == {""}
    everything = "".join(str(desk._rows(select(table))) for table in tables.metadata.sorted_tables)
    assert "Secret" not in everything
