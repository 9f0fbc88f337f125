"""An operator finds a stuck run, repairs it, and reads the reason in the audit trail."""

from playwright.sync_api import Page, expect

from bootstrap.repairing import Repairer
from loyalty.journeys.turn import take_turn
from storage import tables
from tests.browser.conftest import Console
from tests.browser.troubled import RUN, stuck_run


def test_a_stuck_run_is_found_and_repaired(console: Console, page: Page) -> None:
    """Its worker stopped and its hour went by: one retry starts it again where it left off."""
    stuck_run(console)
    console.sign_in(page, "operator")
    page.goto(console.url + "/console/repair")
    page.get_by_role("link", name="Stuck runs").click()
    page.get_by_label(f"Choose {RUN}").check()
    page.get_by_label("What to do").select_option("retry")
    page.get_by_label("Reason").fill("worker-3 was down over lunch")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry: Stuck runs")

    assert Repairer(console.parts.store).carry_next()
    # The page follows the job by itself.
    expect(page.locator("#progress")).to_contain_text("Done")
    _relay_and_worker_do_their_part(console)

    page.goto(console.url + "/console/repair/stuck_runs")
    expect(page.get_by_text("Every run has something that will wake it.")).to_be_visible()
    page.goto(console.url + "/console/audit?action=run")
    row = page.get_by_role("row").filter(has_text="run.retry")
    expect(row).to_contain_text("worker-3 was down over lunch")
    expect(row).to_contain_text("Tom Reed")


def test_a_marketer_repairs_nothing(console: Console, page: Page) -> None:
    """The page says whom to ask, and the menu does not offer it."""
    console.sign_in(page, "marketer")
    page.goto(console.url + "/console")
    expect(page.get_by_role("link", name="Repair")).to_have_count(0)

    page.goto(console.url + "/console/repair")

    expect(page.get_by_role("main")).to_contain_text("Operator")


def _relay_and_worker_do_their_part(console: Console) -> None:
    """The start and the nudge go out, and the turn that they bring about is taken."""
    o = tables.outbox
    with console.parts.database.write() as connection:
        sent = connection.execute(
            o.update()
            .where(o.c.sent_at.is_(None))
            .values(sent_at=o.c.created_at)
            .returning(o.c.kind)
        )
        assert {row.kind for row in sent} == {"start_journey", "nudge_journey"}
    run = console.parts.store.read(lambda tx: tx.enrolments.get(RUN))
    assert run is not None
    console.parts.store.run(lambda tx: take_turn(tx, RUN, run.turn))
