"""An operator's morning against a real Temporal: why a member got nothing, and runs that stand
still and go on once they are repaired.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from activities.campaign import CampaignActivities
from activities.contracts import TurnOutcome, TurnRequest
from activities.journey import JourneyActivities
from bootstrap.turns import Turns
from loyalty.errors import WrongState
from tests.browser.conftest import Console, Living


def welcome(living: Living, id: str) -> str:
    """A campaign for new members is live; the run that Lee will have in it."""
    body = {"id": id, "name": "Welcome", "template": "new_member_bonus", "holdout_percent": 0}
    living.posts("/v1/campaigns", body, "marketer")
    living.posts(f"/v1/campaigns/{id}/launch", {"version": 1}, "marketer")
    return f"j/{id}/lee/once"


def broken_release(living: Living) -> Sequence[Callable[..., Any]]:
    """A worker whose members' turns are refused: a release with a fault in it."""
    parts = living.console.parts
    turns = Turns(parts.store, parts.clock)

    def refuse(request: TurnRequest) -> TurnOutcome:
        raise WrongState(f"Turn {request.turn} cannot be taken.")

    return [JourneyActivities(refuse).apply_step, CampaignActivities(turns.campaign).campaign_turn]


async def failure_of(living: Living, run: str) -> None:
    """Wait until the workflow was started and has failed."""
    async with asyncio.timeout(20):
        while True:
            try:
                await living.backstage.temporal.get_workflow_handle(run).result()
            except WorkflowFailureError:
                return
            except RPCError:  # the relay has not started it yet
                await asyncio.sleep(0.05)


def repairs(page: Page, living: Living, title: str, run: str, reason: str) -> None:
    """From the list that shows the run to the job that is done, with one retry."""
    page.goto(living.console.url + "/console/repair")
    page.get_by_role("link", name=title).click()
    page.get_by_label(f"Choose {run}").check()
    page.get_by_label("What to do").select_option("retry")
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#progress")).to_contain_text("Done")


def test_a_step_that_failed_is_mended_and_the_member_gets_their_points(
    living: Living, page: Page
) -> None:
    """Lee calls: no welcome points. The run's step failed under a faulty release; the release is
    replaced, one retry starts the run where it left off, and Lee's purchase brings it to its end.
    """
    run = welcome(living, "faulty-release")
    living.backstage.worker_stops()
    living.backstage.worker_begins(broken_release(living))
    living.joins("lee", phone="+86 138 0013 8000")
    living.backstage.do(failure_of(living, run))
    living.console.sign_in(page, "operator")

    page.goto(living.console.url + "/console")
    page.get_by_role("searchbox").fill("138 0013 8000")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/console/members/lee")
    page.get_by_label("Why did they not get").fill("faulty-release")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator(".answer-text")).to_contain_text("the run has not begun yet")
    page.get_by_role("link", name="The run, step by step").click()
    timeline = page.locator("#timeline")
    expect(timeline).to_contain_text("In Temporal it has ended")
    expect(timeline).to_contain_text("Turn 0 cannot be taken.")

    living.backstage.worker_stops()
    living.backstage.worker_begins()
    repairs(page, living, "Runs whose step fails", run, "Release 14.2 refused every turn")
    living.backstage.settled()

    page.goto(f"{living.console.url}/console/runs/{run}")
    expect(page.locator(".head")).to_contain_text("Waiting")
    expect(timeline).to_contain_text("gave 500 points")
    expect(timeline).to_contain_text(
        "Tom Reed told the run to look again: Release 14.2 refused every turn"
    )
    page.goto(living.console.url + "/console/repair/failing_runs")
    expect(page.get_by_text("No step fails.")).to_be_visible()

    living.days(0.1)
    living.buys("lee")
    sees_the_end(page, living, run, "Ordered")


def test_a_run_whose_hour_went_by_goes_on_after_a_retry(living: Living, page: Page) -> None:
    """While the worker is away, somebody ends Lee's workflow in Temporal and its hour goes by. The
    worker comes back and Lee sleeps on; a retry wakes the run, and the reminder that was due goes
    out.
    """
    run = welcome(living, "outage")
    living.joins("lee")
    living.backstage.settled()
    living.backstage.worker_stops()
    ended_by_hand(living, run)
    living.clock.set(living.clock.now() + timedelta(days=5, hours=14))
    living.backstage.worker_begins()
    living.console.sign_in(page, "operator")
    page.goto(f"{living.console.url}/console/runs/{run}?temporal=true")
    expect(page.locator("#timeline")).to_contain_text("The run was terminated in Temporal")
    expect(page.locator("#timeline")).not_to_contain_text("card_last_days")

    repairs(page, living, "Stuck runs", run, "Ended by hand during the outage")

    living.backstage.settled()
    page.goto(f"{living.console.url}/console/runs/{run}")
    timeline = page.locator("#timeline")
    expect(timeline).to_contain_text("The message 'card_last_days' went out")
    expect(timeline).to_contain_text("Tom Reed told the run to look again: Ended by hand")
    expect(timeline).to_contain_text("Temporal runs it")
    expect(page.get_by_text("It wakes at 2027-02-07 20:00")).to_be_visible()
    page.goto(living.console.url + "/console/repair/stuck_runs")
    expect(page.get_by_text("Every run has something that will wake it.")).to_be_visible()
    page.goto(living.console.url + "/console/audit?action=run")
    row = page.get_by_role("row").filter(has_text="run.retry")
    expect(row).to_contain_text("Ended by hand during the outage")
    expect(row).to_contain_text("Tom Reed")


def test_a_marketer_repairs_nothing(console: Console, page: Page) -> None:
    """The page says whom to ask, and the menu does not offer it."""
    console.sign_in(page, "marketer")
    page.goto(console.url + "/console")
    expect(page.get_by_role("link", name="Repair")).to_have_count(0)

    page.goto(console.url + "/console/repair")

    expect(page.get_by_role("main")).to_contain_text("Operator")


def sees_the_end(page: Page, living: Living, run: str, outcome: str) -> None:
    """The run is over and has nothing that could be done to it any more."""
    living.backstage.settled()
    page.goto(f"{living.console.url}/console/runs/{run}")
    expect(page.locator(".head")).to_contain_text(outcome)
    expect(page.get_by_text("Nothing: it has ended.")).to_be_visible()
    expect(page.get_by_role("heading", name="Lend a hand")).to_have_count(0)


def ended_by_hand(living: Living, run: str) -> None:
    """In Temporal's own tools."""
    handle = living.backstage.temporal.get_workflow_handle(run)
    living.backstage.do(handle.terminate("by hand"))
