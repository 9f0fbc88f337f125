"""Where a journey has been, packed into a number, and many of them counted step by step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.funnel import Runs, funnel, in_order
from loyalty.journeys.compile import compile_example
from loyalty.journeys.load import load_named
from loyalty.journeys.plan import Plan
from loyalty.journeys.reached import moved, places, read
from tests.stories import TEMPLATES

JOURNEYS = ("dormant_wake_up", "monthly_task_pack", "new_member_bonus")


def plan_of(name: str) -> Plan:
    return compile_example(load_named(TEMPLATES, name)).plan


BONUS = plan_of("new_member_bonus")
some = st.sets(st.sampled_from(places(BONUS)))


def test_places_are_steps_goals_and_ways() -> None:
    found = places(plan_of("monthly_task_pack"))

    assert {"tasks", "tasks.purchases", "tasks:met", "tasks:missed", "tasks:skipped"} <= set(found)
    assert found == tuple(sorted(found))


@given(before=some, been=some, left=some)
def test_what_was_written_is_read_again(before: set[str], been: set[str], left: set[str]) -> None:
    written = moved(BONUS, moved(BONUS, "", before), been, left)

    assert set(read(BONUS, written)) == (before | been) - left


def test_the_longest_journey_fits_its_column() -> None:
    """A hundred steps, each a wait with ten goals: 1,400 places are 350 characters of 400."""
    assert len(f"{(1 << 1_400) - 1:x}") == 350


@pytest.mark.parametrize("name", JOURNEYS)
def test_steps_are_listed_once_and_after_what_leads_to_them(name: str) -> None:
    plan = plan_of(name)
    order = in_order(plan)

    assert sorted(order) == sorted(plan.nodes)
    for id, node in plan.nodes.items():
        if node.next is not None:
            assert order.index(id) < order.index(node.next)


def test_runs_are_counted_by_version_arm_and_step() -> None:
    """Seven came as far as the wait and stand there, two ordered, four are held out; one of the
    next version is not among them."""
    waiting = moved(BONUS, "", ["grant", "first_order"])
    ordered = moved(BONUS, waiting, ["first_order:met", "end_ordered"])
    runs = [
        Runs(1, "treated", False, "waiting", None, "first_order", waiting, 7),
        Runs(1, "treated", False, "ended", "ordered", None, ordered, 2),
        Runs(1, "holdout", False, "ended", "held_out", "grant", "", 4),
        Runs(2, "treated", False, "waiting", None, "first_order", waiting, 1),
    ]

    found = funnel(1, BONUS, runs)

    steps = {each.step: (each.reached, each.here, dict(each.places)) for each in found.steps}
    assert (found.entered, found.held_out, found.outcomes) == (9, 4, {"ordered": 2})
    assert steps["grant"] == (9, 0, {})
    assert steps["first_order"] == (9, 7, {"met": 2})
    assert steps["end_ordered"] == (2, 0, {})
    assert steps["end_no_order"] == (0, 0, {})
