"""An operator on the telephone: finds the member, says why they got nothing, reads the run."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.console.lee import live


def test_an_operator_finds_out_why_a_member_got_nothing(
    console: Console, new_page: Callable[..., Page]
) -> None:
    """By the phone number, from any page; no page on the way has it in its address."""
    live(console.services)
    page = new_page()
    console.sign_in(page, "operator")
    page.goto(f"{console.url}/console")

    page.get_by_role("searchbox").fill("138 0013 8000")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/console/members/lee")
    expect(page.get_by_role("heading", name="Lee Wang")).to_be_visible()

    page.get_by_label("Why did they not get").fill("vip-day")
    page.get_by_role("button", name="Explain").click()
    answer = page.locator(".answer-text")
    # Bought at a weekend it would be more: what there is depends on the day of the test.
    there = console.services.store.read(lambda tx: tx.ledger.balance("lee").available)
    expect(answer).to_contain_text(f"it asks for points ≥ 5000 (here: points {there})")

    page.get_by_role("link", name="The member's page").click()
    page.get_by_role("link", name="First steps").click()
    expect(page.get_by_text("welcome: gave 600 points.")).to_be_visible()
    expect(page.get_by_text("It wakes at")).to_be_visible()
    # A script asks Temporal, and the page says that it is away.
    expect(page.get_by_text("Temporal does not answer")).to_be_visible()

    page.get_by_text("hello · In-app inbox").click()
    expect(page.get_by_text("You have 600 points.").last).to_be_visible()

    page.get_by_text("End the wait").first.click()
    page.get_by_label("Reason").nth(1).fill("Bought in another shop")
    page.get_by_role("button", name="End the wait").click()
    expect(page.get_by_text("The run was told to end its wait.")).to_be_visible()
    expect(page.get_by_text("Bought in another shop")).to_be_visible()
