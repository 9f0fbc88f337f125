"""Journeys of two cards that turn out to be one person's: one of each goes on, and pays once."""

import pytest
from sqlalchemy import select

from loyalty.journeys.load import load_texts
from loyalty.why_not import why_not
from storage import tables
from storage.database import Database
from storage.queries.figures import campaign_figures
from storage.reads import SqlReads
from tests.storage.merger_desk import BONUS, DAY, MergerDesk, desk_of, two_cards


@pytest.fixture
def desk(database: Database) -> MergerDesk:
    return two_cards(database)


def test_an_open_journey_goes_on_for_the_survivor(desk: MergerDesk) -> None:
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
    desk.proved()


@pytest.mark.parametrize("budget", [1000, 5000])
def test_an_inviter_who_comes_with_a_merger_is_not_paid_by_a_journey_entered_without(
    desk: MergerDesk, budget: int
) -> None:
    """No points were kept for an inviter: none are given, whether others left some or not."""
    desk.joins("host")
    desk.joins("guest", invited_by="host")
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
    desk.proved()


def test_nobody_is_their_own_inviter_by_a_merger_of_mergers(desk: MergerDesk) -> None:
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


def test_what_the_other_card_bought_meanwhile_completes_a_journey(desk: MergerDesk) -> None:
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


def test_a_journey_that_both_are_in_goes_on_once(desk: MergerDesk) -> None:
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


def test_one_receipt_completes_one_of_two_journeys_that_may_come_again(desk: MergerDesk) -> None:
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
    desk: MergerDesk, days: int, counts: bool
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


def test_a_receipt_that_was_rewarded_under_the_old_card_completes_nothing_more(
    desk: MergerDesk,
) -> None:
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
    desk.joins("host")
    desk.take_turns("host")
    for name in ("one", "two"):
        desk.joins(name, invited_by="host")
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


def test_last_months_pack_goes_on_beside_this_months(desk: MergerDesk) -> None:
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


def test_who_was_welcomed_once_is_not_welcomed_again(desk: MergerDesk) -> None:
    """An ended journey goes along too: the survivor does not enter what allows one entry."""
    desk.opens()
    desk.joins("new")
    desk.merges("new", "lee")

    assert [run.member_id for run in desk.enrolments("lee")] == ["lee"]
    with pytest.raises(ValueError, match="not enough values"):
        desk.enrolment("new")


def test_a_reward_undone_after_a_merger_is_taken_from_who_lives_on(desk: MergerDesk) -> None:
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
    desk.proved()


def test_a_reward_that_the_merger_took_back_is_not_taken_twice(desk: MergerDesk) -> None:
    """Both cards had the bonus, so one went; the goods behind it come back, and the run goes on."""
    pack = desk.launch("monthly_task_pack", values={"purchases": 2, "purchase_points": 700})
    earned = desk.does_the_pack()
    desk.joins("young")
    [bonus] = [each.key for each in desk.decided() if each.inputs.get("points") == 700]
    reserved = desk.campaign(pack).reserved_points
    desk.merges("new", "young", reverse=(bonus,))
    assert desk.campaign(pack).granted_points == 0

    desk.returns("r2")
    foreseen = desk.foresees(pack, "young")
    desk.take_turns("young")

    assert (foreseen.credits, desk.balance("young").available) == ((), earned)
    [undone] = [each for each in desk.decided() if each.reason == "goal_undone"]
    assert undone.inputs["points"] == 0
    campaign = desk.campaign(pack)
    assert (campaign.granted_points, campaign.reserved_points) == (0, reserved + 700)
    desk.proved()


HELLO = """
name: hello
title: {en: Hello, zh: 你好}
summary: {en: Points for joining., zh: 入会得积分。}
enter: {on: member.registered}
reentry: {once: per_member}
budget_points: 1000
journey:
  - {id: gift, grant: {points: 500}}
"""


def test_a_bonus_that_a_merger_took_back_can_be_given_again(desk: MergerDesk) -> None:
    """One person joined with two cards and has it once: the page says so, and the next gets it."""
    desk.launch_texts(load_texts("hello", {"campaign.yaml": HELLO}))
    for name in ("new", "young"):
        desk.joins(name)
        desk.take_turns(name)
    run = desk.enrolment("new")
    desk.merges("new", "young", reverse=(f"{run.id}:gift:0",))

    with desk.store.database.read() as connection:
        found = campaign_figures(connection, "hello", desk.clock.now())
    assert found is not None
    [day] = found["days"]
    assert (day["granted_points"], day["taken_back_points"]) == (1000, 500)
    assert desk.campaign("hello").granted_points == 500
    desk.joins("kim")
    desk.take_turns("kim")
    assert desk.balance("kim").posted == 500
    assert desk.campaign("hello").granted_points == 1000


def test_what_an_inviter_of_oneself_got_goes_back_from_the_run_that_gave_it(
    desk: MergerDesk,
) -> None:
    """The old card invited the new one: that bonus goes, and the member's own stays as it was."""
    invited = HELLO + "  - {id: host, grant: {points: 200, to: inviter}}\n"
    desk.launch_texts(load_texts("hello", {"campaign.yaml": invited}))
    desk.joins("new", invited_by="lee")
    desk.take_turns("new")
    run = desk.enrolment("new")
    assert (run.state, run.granted_points) == ("ended", 500 + 200)

    desk.merges("lee", "new", reverse=(f"{run.id}:host:0",))

    assert desk.campaign("hello").granted_points == desk.enrolment("new").granted_points == 500
    record = SqlReads(desk.store.database, desk.clock).record_of("new", "hello")
    assert record is not None
    assert [d.reason for d in record.decisions if d.verdict == "reversed"] == ["given_twice"]
    got = desk.store.read(lambda tx: why_not(tx, "new", "hello", record)).why.inputs
    assert (got["points"], got["inviter"]) == (500, 0)


def test_an_erased_members_journeys_end_and_say_nothing_more(desk: MergerDesk) -> None:
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
