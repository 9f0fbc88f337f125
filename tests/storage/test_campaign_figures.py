"""A campaign's figures are those of the story that was told, on both kinds of database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from loyalty.campaign_watch import watched
from loyalty.outlook import outlook
from loyalty.programme import Programme
from storage.queries.figures import (
    campaign_figures,
    messages_counted,
    runs_counted,
    withheld_counted,
)
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

LUNCH = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # twelve o'clock in Shanghai, a Monday
BREAD = ("grocery", 10_000)


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> FrontDesk:
    clock.instant = LUNCH
    return FrontDesk(store, clock)


def figures(desk: FrontDesk, campaign: str) -> dict[str, Any]:
    with desk.store.database.read() as connection:
        found = campaign_figures(connection, campaign, desk.clock.now())
    assert found is not None
    return watched(found, desk.clock.now(), Programme().tz)


def arms(desk: FrontDesk, names: list[str]) -> tuple[list[str], list[str]]:
    """Who is treated and who is held out, as they joined."""
    treated = [name for name in names if desk.enrolment(name).arm == "treated"]
    return treated, [name for name in names if name not in treated]


def test_when_the_budget_is_used_up_nobody_is_held_out_either(desk: FrontDesk) -> None:
    """2,400 points are three journeys: after the third both arms are closed, and are comparable."""
    early = [f"e{n}" for n in range(6)]
    for name in early:
        desk.joins(name)
    bonus = desk.launch("new_member_bonus", holdout_percent=50, budget_points=2_400)
    names = [f"m{n:02}" for n in range(30)]
    for name in names:
        desk.joins(name)
    entered = [name for name in names if desk.enrolments(name)]
    treated, _ = arms(desk, entered)

    assert len(treated) == 3
    assert entered == names[: names.index(treated[-1]) + 1]
    assert len(entered) > len(treated)
    for name in names[len(entered) :]:
        assert desk.verdicts(name, bonus) == ["not_admitted:budget_exhausted"]
    foreseen = desk.store.read(lambda tx: [outlook(tx, name, bonus).reason for name in early])
    assert foreseen == ["budget_exhausted"] * 6


def reached(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    [funnel] = found["funnels"]
    return {step["step"]: (step["reached"], step["here"]) for step in funnel["steps"]}


def test_twenty_join_and_some_of_them_buy(desk: FrontDesk) -> None:
    """Half are held out. Three treated members and two held-out ones buy, and one of each brings
    everything back: two of the treated reached the goal, and one of those held out."""
    bonus = desk.launch("new_member_bonus", holdout_percent=50, budget_points=100_000)
    names = [f"m{n:02}" for n in range(20)]
    for name in names:
        desk.joins(name)
        desk.take_turns(name)
    treated, held_out = arms(desk, names)
    desk.clock.instant += timedelta(days=1)
    for name in (*treated[:3], *held_out[:2]):
        desk.buys(name, f"r/{name}", BREAD)
    for name in (treated[0], held_out[0]):
        desk.returns(f"r/{name}")
    for name in names:
        desk.take_turns(name)

    found = figures(desk, bonus)

    n = len(treated)
    assert (found["entered"], found["held_out"]) == (n, 20 - n)
    steps = reached(found)
    assert steps["grant"] == steps["notify_welcome"] == (n, 0)
    assert steps["first_order"] == (n, n - 2)
    assert steps["end_ordered"] == (2, 0)
    assert steps["end_no_order"] == (0, 0)
    [funnel] = found["funnels"]
    assert funnel["outcomes"] == {"ordered": 2}
    waiting = next(step for step in funnel["steps"] if step["step"] == "first_order")
    assert waiting["places"]["met"] == 2
    assert found["live"] == n - 2
    lift = found["lift"]
    assert lift["goal"] == {"on": "purchase", "where": None, "count": 1, "within": "P30D"}
    assert (lift["treated"]["members"], lift["treated"]["met"]) == (n, 2)
    assert (lift["holdout"]["members"], lift["holdout"]["met"]) == (20 - n, 1)
    assert lift["verdict"] == "too_few"
    assert lift["in_time"] == 20
    assert lift["split_broken"] is False
    assert found["points"]["granted"] == 500 * n
    assert found["messages"]["inbox"] == {"queued": n + 2}


def test_the_goal_is_judged_by_when_it_happened(desk: FrontDesk) -> None:
    """Bea buys on the thirtieth day and it is uploaded on the fortieth: it counts. Cem buys on the
    thirty-first day: it does not. Nobody of them is in the journey any more."""
    bonus = desk.launch("new_member_bonus", holdout_percent=50)
    names = [f"m{n:02}" for n in range(12)]
    for name in names:
        desk.joins(name)
        desk.take_turns(name)
    treated, held_out = arms(desk, names)
    desk.clock.instant = LUNCH + timedelta(days=40)
    for name in (treated[0], held_out[0]):
        desk.buys(name, f"in/{name}", BREAD, occurred_at=LUNCH + timedelta(days=29))
    for name in (treated[1], held_out[1]):
        desk.buys(name, f"out/{name}", BREAD, occurred_at=LUNCH + timedelta(days=31))

    lift = figures(desk, bonus)["lift"]

    assert (lift["treated"]["met"], lift["holdout"]["met"], lift["in_time"]) == (1, 1, 0)


def test_a_monthly_pack_counts_the_whole_month_and_each_member_once(desk: FrontDesk) -> None:
    """Who bought at eight on the first, an hour before the pass, reached March's goal. In April the
    same members enter again: the funnel counts the runs, the comparison the members."""
    pack = desk.launch("monthly_task_pack", holdout_percent=50)
    desk.crowd(10)
    desk.to_month()
    early = desk.clock.instant - timedelta(hours=1)
    for name in ("m000", "m001"):
        desk.buys(name, f"early/{name}", BREAD, occurred_at=early)
    list(desk.campaign_turns(pack))

    april = figures(desk, pack)
    assert april["entered"] + april["held_out"] == 10
    assert april["lift"]["treated"]["met"] + april["lift"]["holdout"]["met"] == 2

    desk.clock.instant = datetime(2026, 5, 1, 1, 0, tzinfo=UTC)
    list(desk.campaign_turns(pack))

    may = figures(desk, pack)
    assert may["entered"] + may["held_out"] == 20
    assert may["lift"]["treated"]["members"] + may["lift"]["holdout"]["members"] == 10


def test_points_and_messages_are_counted_by_the_days_of_the_shop(desk: FrontDesk) -> None:
    """At half past eleven at night in London it is the next morning in Shanghai; a day on which
    nothing happened is shown as such."""
    bonus = desk.launch("new_member_bonus")
    desk.joins("ada")
    desk.take_turns("ada")
    desk.clock.instant = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)  # the 4th, 7:30 in Shanghai
    desk.joins("bea")
    desk.take_turns("bea")

    found = figures(desk, bonus)

    days = {str(each["day"]): each["granted_points"] for each in found["days"]}
    assert days == {"2026-03-02": 500, "2026-03-03": 0, "2026-03-04": 500}
    said = {str(each["day"]): each["messages"] for each in found["days"]}
    assert said["2026-03-02"] == {"inbox": {"queued": 1}}
    assert said["2026-03-03"] == {}


def test_what_the_contact_rules_held_back_is_counted_by_rule(desk: FrontDesk) -> None:
    """The pack is announced to three; one of them is on the stop list."""
    desk.launch("monthly_task_pack")
    for name in ("ada", "bea", "cem"):
        desk.joins(name)
    quiet = replace(desk.member("cem"), stop_listed=True)
    desk.store.run(lambda tx: tx.members.save(quiet))
    desk.open_month()
    for name in ("ada", "bea", "cem"):
        desk.take_turns(name)

    found = figures(desk, "monthly-task-pack")

    assert found["messages"] == {"inbox": {"dropped": 1, "queued": 2}}
    assert found["held_back"] == [{"rule": "stop_listed", "status": "dropped", "count": 1}]
    assert found["skipped"] == [{"reason": "stop_listed", "count": 1}]


def test_a_reward_taken_back_is_counted_as_such(desk: FrontDesk) -> None:
    """All tasks of the month done and one purchase returned: its points went and came back."""
    desk.launch("monthly_task_pack", values={"purchases": 2, "purchase_points": 700})
    desk.joins("ada")
    desk.open_month()
    desk.take_turns("ada")
    for number in (1, 2):
        desk.clock.instant += timedelta(days=1)
        desk.buys("ada", f"r{number}", BREAD)
    desk.take_turns("ada")
    given = figures(desk, "monthly-task-pack")
    assert reached_goal(given) == 1

    desk.returns("r2")
    desk.take_turns("ada")

    found = figures(desk, "monthly-task-pack")
    assert (found["points"]["granted"], found["points"]["taken_back"]) == (0, 700)
    assert reached_goal(found) == 0


def reached_goal(found: dict[str, Any]) -> int:
    [funnel] = found["funnels"]
    tasks = next(step for step in funnel["steps"] if step["step"] == "tasks")
    count: int = tasks["places"].get("purchases", 0)
    return count


def test_a_campaign_that_nobody_entered_shows_noughts(desk: FrontDesk) -> None:
    bonus = desk.launch("new_member_bonus")

    found = figures(desk, bonus)

    assert (found["entered"], found["live"], found["held_back"]) == (0, 0, [])
    assert found["lift"]["verdict"] == "no_holdout"
    assert [each["granted_points"] for each in found["days"]] == [0]
    with desk.store.database.read() as connection:
        assert campaign_figures(connection, "nothing", desk.clock.now()) is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_count_is_one_walk_along_an_index_of_its_own(desk: FrontDesk) -> None:
    """No table is read, and nothing sorted: that is what answers while 100,000 members are in."""
    counted = {
        "ix_enrolments_figures": runs_counted("spring", LUNCH),
        "ix_messages_figures": messages_counted("spring"),
        "ix_decisions_campaign_id_verdict_reason": withheld_counted("spring"),
    }
    with desk.store.database.read() as connection:
        for index, query in counted.items():
            plain = query.compile(connection, compile_kwargs={"literal_binds": True})
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {plain}")).all()
            said = [row.detail for row in plan]
            assert len(said) == 1, said
            assert f"USING COVERING INDEX {index}" in said[0]
