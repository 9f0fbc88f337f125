"""A marketer launches each template that comes with Milepost, and sees its funnel move.

Everything is done in the browser and everything behind it is real: what members and tills do comes
through `/v1` with a key, relay and worker carry it, Temporal keeps the waits.
"""

from collections.abc import Mapping
from datetime import timedelta

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Living
from tests.browser.living import EVENING

NINE = EVENING + timedelta(hours=13)  # the next morning, the first of a month


def launched(living: Living, page: Page, template: str, id: str, **more: str) -> None:
    """From the gallery to a live campaign, whose page to watch is open in the end.

    `more` are the form's fields by their label, `_` for a space.
    """
    living.console.sign_in(page, "marketer")
    page.goto(living.console.url + "/console/gallery")
    card = page.get_by_role("article", name=template)
    card.get_by_role("link", name="Use this template").click()
    page.get_by_label("Name of the campaign").fill(f"Our {template.lower()}")
    page.get_by_label("Id", exact=True).fill(id)
    for label, text in more.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()

    page.get_by_text("Launch this campaign", exact=True).click()
    page.get_by_role("button", name="Yes, launch it now").click()
    expect(page.get_by_text("The campaign is launched.")).to_be_visible()
    page.get_by_role("link", name="Watch", exact=True).click()
    page.wait_for_url(f"**/console/campaigns/{id}/watch")
    expect(page.get_by_text("Updating live")).to_be_visible()


def sees(page: Page, reached: Mapping[str, int]) -> None:
    """So many members have come to each step of the picture."""
    for step, members in reached.items():
        figure = page.locator(f'[data-step="{step}"] .journey-figure')
        expect(figure).to_have_text(str(members))


def ended(page: Page, outcome: str, runs: int) -> None:
    row = page.get_by_role("region", name="How runs ended").get_by_role("row", name=outcome)
    expect(row.get_by_role("cell").first).to_have_text(str(runs))


def tile(page: Page, label: str) -> Locator:
    return page.locator(".tile", has_text=label).locator(".tile-value")


def test_new_member_bonus(living: Living, page: Page) -> None:
    """Three join and get their welcome; one buys at once, one in the last week, one not at all."""
    launched(living, page, "New member bonus", "bonus", Holdout="0")
    expect(page.get_by_role("heading", name="Nobody has entered yet")).to_be_visible()

    for name in ("ada", "bea", "cem"):
        living.joins(name)
    living.buys("ada")
    sees(page, {"entry": 3, "first_order": 3, "end_ordered": 1})
    expect(page.get_by_role("heading", name="Nobody has entered yet")).to_have_count(0)
    expect(tile(page, "Points granted")).to_have_text("1,500")

    living.days(25)
    living.buys("bea")
    living.days(10)
    sees(page, {"entry": 3, "end_ordered": 2, "end_no_order": 1})
    ended(page, "Ordered", 2)
    ended(page, "No order", 1)


def test_monthly_task_pack(living: Living, page: Page) -> None:
    """The month begins; Ada does all there is to do in it, Bea goes shopping, Cem stays at home."""
    for name in ("ada", "bea", "cem"):
        living.joins(name)
    launched(living, page, "Monthly task pack", "tasks", Holdout="0", **{"Check-ins_to_make": "2"})

    living.until(NINE)
    sees(page, {"entry": 3, "tasks": 3})
    for _ in range(3):
        living.buys("ada", store="station")
        living.buys("bea", store="station")
        living.does("ada", "check_in")
        living.days(1)
    living.does("ada", "review", photo="p-1.jpg")
    # 1,000 for the purchases of each, 100 for the check-ins and 200 for the review.
    expect(tile(page, "Points granted")).to_have_text("2,300")

    living.days(32)
    ended(page, "All tasks done", 1)
    ended(page, "Month was over", 2)
    # The next month has begun for everybody meanwhile.
    sees(page, {"entry": 6})


def test_dormant_wake_up(living: Living, page: Page) -> None:
    """Three have not come for a hundred days: one comes at the first word, one at the second."""
    last = EVENING - timedelta(days=100)
    for name in ("ada", "bea", "cem"):
        living.joins(name, registered_at=(last - timedelta(days=9)).isoformat())
        living.buys(name, at=last)
    launched(living, page, "Dormant wake-up", "wake-up", Holdout="0")
    expect(page.get_by_role("heading", name="Nobody has entered yet")).to_be_visible()

    living.until(NINE + timedelta(hours=1))
    sees(page, {"entry": 3, "first_try": 3})
    living.days(1)
    living.buys("ada")
    sees(page, {"end_woken": 1})

    living.days(7)
    living.buys("bea")
    sees(page, {"second_try": 2, "end_woken": 2})
    living.days(7)
    ended(page, "Came back", 2)
    ended(page, "Did not come back", 1)


def test_limited_time_exchange(living: Living, page: Page) -> None:
    """Three cups: told the day before, then opened; one is taken, one reserved, and it closes."""
    for name in ("ada", "bea"):
        living.joins(name)
        living.buys(name, 900_000)
    launched(
        living, page, "Limited-time exchange", "cups",
        Special_price="1000", Stock="3", Opens="2027-02-03T10:00", Closes="2027-02-05T22:00",
    )  # fmt: skip
    expect(tile(page, "Left in stock")).to_have_text("3")

    living.until(NINE + timedelta(days=2, hours=1))
    claims = [
        living.posts(
            "/v1/exchanges",
            {"request_id": f"q-{name}", "campaign_id": "cups", "member_id": name},
        )
        for name in ("ada", "bea")
    ]
    expect(tile(page, "Left in stock")).to_have_text("1")
    living.posts(f"/v1/exchanges/{claims[0]['claim_id']}/confirm", {})
    expect(tile(page, "Handed over")).to_have_text("1")

    living.days(3)
    table = page.get_by_role("region", name="Claims")
    expect(table.get_by_role("row", name="Not confirmed in time")).to_be_visible()
    expect(tile(page, "Left in stock")).to_have_text("2")
    # The campaign is over: that is no lost connection.
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    expect(page.get_by_text("Updating live")).to_be_hidden()
    expect(page.get_by_text("Not connected")).to_be_hidden()
