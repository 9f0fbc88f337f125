"""The way in, in a browser."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Console


def test_the_first_admin_comes_in_by_the_link_and_again_with_the_password(
    console: Console, page: Page
) -> None:
    """The link that `milepost up` prints makes the first account; after that it is the password."""
    token = console.services.people.first_link()
    page.goto(f"{console.url}/console/link/{token}")
    page.get_by_label("Your name").fill("Ada Wong")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill("seven green lanterns")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Good to see you, Ada Wong")).to_be_visible()

    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_label("E-mail address").fill("Ada@Example.com")
    page.get_by_label("Password").fill("seven green lanterns")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Good to see you, Ada Wong")).to_be_visible()
