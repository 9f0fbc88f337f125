"""The way in, in a browser: by a link, to a sample programme; and who is kept out."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import update

from bootstrap.clock import SystemClock
from storage.tables import sessions
from tests.browser.conftest import Console
from tests.browser.drafted import BONUS, listed

PASSWORD = "seven green lanterns"


def set_password(page: Page, console: Console) -> None:
    """The first link makes the first account."""
    page.goto(f"{console.url}/console/link/{console.services.people.first_link()}")
    page.get_by_label("Your name").fill("Ada Wong")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Good to see you, Ada Wong")).to_be_visible()


def sign_in(page: Page) -> None:
    page.get_by_label("E-mail address").fill("Ada@Example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def state_of(console: Console, campaign: str) -> str:
    found = console.services.store.read(lambda tx: tx.campaigns.get(campaign))
    assert found is not None
    return found.state


def test_the_first_admin_comes_in_by_the_link_and_again_with_the_password(
    console: Console, page: Page
) -> None:
    """The link that `milepost up` prints makes the first account; after that it is the password."""
    set_password(page, console)

    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    sign_in(page)

    expect(page.get_by_role("heading", name="Good to see you, Ada Wong")).to_be_visible()


def test_a_sample_programme_is_one_click_away(console: Console, page: Page) -> None:
    """From the first link to a draft of each template, with members it would reach."""
    set_password(page, console)
    page.get_by_role("button", name="Start with a sample programme").click()
    expect(page.get_by_text("The sample programme is being made").first).to_be_visible()

    drafts = page.get_by_role("region", name="Campaigns")
    expect(drafts.get_by_role("link")).to_have_count(4, timeout=40_000)
    drafts.get_by_role("link", name="Sample: we miss you").click()
    expect(page.get_by_role("heading", name="Sample: we miss you")).to_be_visible()
    expect(page.get_by_text("Launch this campaign", exact=True)).to_be_visible()


def test_the_wrong_role_meets_a_page_that_says_which_is_right(console: Console, page: Page) -> None:
    """No entry in the menu, no button on the page, and no way round by typing the address."""
    listed(console)
    console.sign_in(page, "operator")
    page.goto(f"{console.url}/console/campaigns/cups")
    expect(page.get_by_text("Launching is a marketer's act.")).to_be_visible()
    expect(page.get_by_text("Launch this campaign", exact=True)).to_have_count(0)

    for path in ("gallery", "campaigns/cups/edit", "people"):
        answer = page.goto(f"{console.url}/console/{path}")
        assert answer is not None
        assert answer.status == 403
        expect(page.get_by_role("heading", level=1)).to_have_text("This page is for another role")
        expect(page.get_by_role("main")).to_contain_text("yours is Operator")

    page.goto(f"{console.url}/console/campaigns")
    page.evaluate("""() => {
      const form = document.createElement("form");
      form.method = "post"; form.action = "/console/campaigns/cups/launch";
      document.body.append(form); form.submit();
    }""")
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is for another role")
    assert state_of(console, "cups") == "draft"


@pytest.mark.parametrize("how", ["eight hours", "ended by an admin"])
def test_an_expired_session_leads_to_the_door_and_back(
    console: Console, page: Page, how: str
) -> None:
    """What was pressed after the end did nothing; whoever signs in again finds the page."""
    path = f"{console.url}/console/campaigns/{BONUS}/watch"
    set_password(page, console)
    listed(console)
    page.goto(path)
    ada = console.services.people.password_of("ada@example.com")
    assert ada is not None
    if how == "eight hours":
        long_ago = SystemClock().now() - timedelta(hours=8, minutes=1)
        with console.parts.database.write() as connection:
            connection.execute(update(sessions).values(seen_at=long_ago))
    else:
        console.services.sessions.end_all(ada[0].id, actor="test")

    page.get_by_text("Stop", exact=True).click()
    page.get_by_label("Reason").last.fill("Nobody sits here any more")
    page.get_by_role("button", name="Stop for good").click()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    assert state_of(console, BONUS) == "launched"

    page.goto(path)
    sign_in(page)
    page.wait_for_url(path)
    expect(page.get_by_role("heading", name="Spring welcome")).to_be_visible()


@pytest.mark.parametrize("site", ["http://shop.example", "port"])
def test_a_form_on_another_site_changes_nothing(
    console: Console, browser: Browser, site: str
) -> None:
    """Mei is signed in and opens a page that sends a form in her name: from another host, whose
    forms bear no cookie of ours, and from another port of the same host, whose forms do.
    """
    listed(console)
    context = browser.new_context()
    page = context.new_page()
    console.sign_in(page, "marketer")
    origin = "http://127.0.0.1:9" if site == "port" else site
    act = f"{console.url}/console/campaigns/{BONUS}/watch/stop"

    def lure(route: Route) -> None:
        body = f"<form method=post action={act}><input name=reason value=forged></form>"
        script = "<script>document.forms[0].submit()</script>"
        route.fulfill(content_type="text/html", body=f"<!doctype html>{body}{script}")

    context.route(f"{origin}/**", lure)
    sent = []
    page.on("request", lambda each: sent.append(each.url) if each.method == "POST" else None)
    page.goto(f"{origin}/prize", wait_until="commit")

    expect(page.get_by_role("heading", level=1)).to_have_text("This request came from another site")
    assert sent == [act]
    assert state_of(console, BONUS) == "launched"
    page.goto(f"{console.url}/console/campaigns/{BONUS}")
    expect(page.get_by_role("heading", name="Spring welcome")).to_be_visible()
    context.close()
