"""From the door to a live campaign with a keyboard alone, and in a browser without scripts."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.browser.drafted import members
from tests.browser.test_door import PASSWORD, set_password

TABS_MAX = 120
_FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return "";
  const label = at.labels && at.labels.length ? at.labels[0].textContent : "";
  const described = (at.getAttribute("aria-describedby") || "").split(" ")
    .map((id) => document.getElementById(id)?.textContent || "").join(" ");
  const name = at.getAttribute("aria-label") || label || at.textContent;
  return [name, described].map((each) => each.replace(/\\s+/g, " ").trim()).join(" | ");
}"""


class Keys:
    """Somebody whose hands stay on the keyboard."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._keyboard = page.keyboard

    def to(self, name: str) -> None:
        """Tab on to what bears this name, as a reader of screens would say it."""
        passed = []
        for _ in range(TABS_MAX):
            focused = str(self._page.evaluate(_FOCUSED))
            if focused.startswith(name) or f"| {name}" in focused:
                return
            passed.append(focused)
            self._keyboard.press("Tab")
        raise AssertionError(f"Tab never came to {name!r}, only to {passed}")

    def press(self, name: str) -> None:
        self.to(name)
        self._keyboard.press("Enter")

    def type(self, name: str, text: str) -> None:
        """What stood in the field goes: Tab selects it."""
        self.to(name)
        self._keyboard.press("Control+A")
        self._keyboard.type(text)


def test_a_campaign_is_launched_without_a_mouse(console: Console, page: Page) -> None:
    """Signing in, skipping the menu, choosing, setting, saving, launching: Tab, letters, Enter."""
    set_password(page, console)
    members(console)
    page.context.clear_cookies()
    page.goto(console.url + "/console/gallery")
    keys = Keys(page)

    keys.type("E-mail address", "ada@example.com")
    keys.type("Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{console.url}/console/gallery")
    keys.press("Skip to the content")
    keys.press("Use this template | New member bonus")
    page.wait_for_url("**/console/campaigns/new?template=new_member_bonus")
    keys.press("Skip to the content")
    keys.type("Name of the campaign", "Without a mouse")
    keys.type("Id", "no-mouse")
    keys.type("Welcome points", "700")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/campaigns/no-mouse")
    keys.press("Skip to the content")
    keys.press("Launch this campaign")
    keys.press("Yes, launch it now")

    expect(page.get_by_text("The campaign is launched.")).to_be_visible()
    keys.press("Watch")
    page.wait_for_url("**/console/campaigns/no-mouse/watch")
    expect(page.locator(".badge").first).to_have_text("Live")


def test_a_campaign_is_launched_without_scripts(
    console: Console, new_page: Callable[..., Page]
) -> None:
    """The same job in a browser that runs none, an audience and a mistake included."""
    members(console)
    page = new_page(java_script_enabled=False, locale="en-GB")
    set_password(page, console)
    page.get_by_role("link", name="New campaign").click()
    card = page.get_by_role("article", name="New member bonus")
    card.get_by_role("link", name="Use this template").click()
    page.get_by_label("Name of the campaign").fill("Without scripts")
    page.get_by_label("Id", exact=True).fill("no-scripts")
    page.get_by_label("Welcome points").fill("many")
    page.get_by_role("button", name="Add a group of rules").click()
    page.get_by_label("About").select_option("Points to spend")
    page.get_by_role("button", name="Show its fields").click()
    page.get_by_label("Points", exact=True).fill("0")
    page.get_by_role("button", name="Count", exact=True).click()
    expect(page.locator("#audience-size .tile-value").first).to_have_text("3")

    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("Give a whole number from 1 to 5,000.")).to_be_visible()
    page.get_by_label("Welcome points").fill("700")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()

    page.get_by_text("Launch this campaign", exact=True).click()
    page.get_by_role("button", name="Yes, launch it now").click()
    expect(page.get_by_text("The campaign is launched.")).to_be_visible()
    page.get_by_role("link", name="Watch", exact=True).click()
    expect(page.get_by_text("0 members entered so far")).to_be_visible()
    expect(page.locator(".badge").first).to_have_text("Live")
