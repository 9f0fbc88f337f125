"""A marketer's afternoon before a launch: read it as a member would, mend it, have it approved."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.browser.drafted import BONUS, drafted_bonus


@pytest.fixture
def programme_file(tmp_path: Path) -> Path:
    """No campaign may give more than 150,000 points, and launching takes two people."""
    file = tmp_path / "programme.yaml"
    file.write_text("launch: {most_points: 150000, second_person: true}\n", encoding="utf-8")
    return file


def test_a_campaign_is_read_mended_and_launched_by_two(
    console: Console, new_page: Callable[..., Page]
) -> None:
    """The welcome message for a real member, the refusal over the budget rule, a smaller budget,
    one person's wish, another's yes; then it is live.
    """
    path = drafted_bonus(console)
    mei, ada = new_page(), new_page()
    console.sign_in(mei, "marketer")
    console.sign_in(ada, "admin")

    mei.goto(f"{console.url}{path}")
    mei.get_by_role("link", name="Messages", exact=True).click()
    mei.get_by_label("Member's id").fill("m-1002")
    mei.get_by_label("Language").select_option("en")
    mei.get_by_role("button", name="Show the messages").click()
    expect(mei.get_by_text("Shown for 吴敏.")).to_be_visible()
    expect(mei.get_by_role("heading", name="Welcome", exact=True)).to_be_visible()
    expect(mei.locator(".said-subject").first).to_contain_text("500 points")

    mei.get_by_role("link", name="Overview").click()
    expect(mei.get_by_text("A launch is not possible now.")).to_be_visible()
    expect(mei.get_by_role("button", name="Yes, ask for approval")).to_have_count(0)
    mei.get_by_role("link", name="Edit the draft").click()
    budget = mei.get_by_label("Points budget")
    budget.fill("120000")
    budget.press("Enter")

    mei.goto(f"{console.url}{path}")
    mei.get_by_text("Ask for the launch").click()
    mei.get_by_role("button", name="Yes, ask for approval").click()
    expect(mei.get_by_text("another person has to approve")).to_be_visible()

    ada.goto(f"{console.url}{path}")
    ada.get_by_text("Approve the launch").click()
    ada.get_by_role("button", name="Yes, approve and launch").click()
    expect(ada.get_by_text("You approved the launch: the campaign is live.")).to_be_visible()

    mei.reload()
    expect(mei.locator(".badge").first).to_have_text("Live")
    state = console.services.store.read(lambda tx: tx.campaigns.get(BONUS))
    assert state is not None
    assert (state.state, state.budget_points) == ("launched", 120_000)
