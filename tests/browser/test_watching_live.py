"""A marketer watches a campaign: it moves while purchases arrive, and is paused with a reason."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from api.reads import ActSearch
from tests.browser.conftest import Console
from tests.browser.watched import Told


def test_the_figures_move_while_members_buy(console: Console, page: Page) -> None:
    """Nobody is there yet; three join and one buys while the marketer looks, without a reload. An
    opened table stays open. Then it is paused, with a reason that goes on record."""
    told = Told(console)
    told.launch("welcome", "new_member_bonus", "Autumn welcome", holdout_percent=0)
    console.sign_in(page, "marketer")
    page.goto(f"{console.url}/console/campaigns/welcome/watch")
    expect(page.get_by_role("heading", name="Nobody has entered yet")).to_be_visible()
    expect(page.get_by_text("Updating live")).to_be_visible()

    for name in ("ada", "bea", "cem"):
        told.joins(name)
    expect(page.get_by_text("3 members entered so far")).to_be_visible()
    page.get_by_text("Show as a table").first.click()
    told.buys("ada")

    ended = page.get_by_role("region", name="How runs ended")
    expect(ended.get_by_role("row", name="Ordered 1")).to_be_visible()
    journey = page.get_by_role("img", name="Autumn welcome")
    expect(journey.locator('[data-step="first_order"] .journey-figure')).to_have_text("3")
    expect(journey.locator('[data-step="end_ordered"] .journey-figure')).to_have_text("1")
    expect(page.get_by_role("region", name="Points granted by day")).to_be_visible()
    expect(page.locator("#points-by-day .chart-live svg")).to_be_visible()

    page.get_by_text("Pause", exact=True).click()
    page.get_by_label("Reason").first.fill("The price in the text is wrong")
    page.get_by_role("button", name="Pause the campaign").click()

    expect(page.get_by_text("Every run is held at its next step.").first).to_be_visible()
    expect(page.get_by_text("Resume", exact=True)).to_be_visible()
    trail = console.services.reads.acts(ActSearch(target="welcome"))
    assert trail[0]["reason"] == "The price in the text is wrong"


def test_without_scripts_the_page_says_the_same(
    console: Console, new_page: Callable[..., Page]
) -> None:
    """Figures, picture, charts and tables are there; only the live feed is not."""
    told = Told(console)
    told.launch("welcome", "new_member_bonus", "Autumn welcome", holdout_percent=0)
    told.joins("ada")
    page = new_page(java_script_enabled=False)
    console.sign_in(page, "marketer")

    page.goto(f"{console.url}/console/campaigns/welcome/watch")

    expect(page.get_by_text("1 member entered so far")).to_be_visible()
    expect(page.locator("#points-by-day svg.chart-still")).to_be_visible()
    expect(page.get_by_text("Updating live")).to_be_hidden()
