"""A marketer's first half hour: from the gallery to a saved draft, in a browser."""

from playwright.sync_api import Dialog, Locator, Page, expect

from loyalty.ports import Transaction
from loyalty.registration import Registration, register
from tests.browser.conftest import Console

TYPES_AT_ONCE = """() => new MutationObserver((_, watch) => {
    const field = document.querySelector('[name$=".tags"]');
    if (!field) return;
    watch.disconnect();
    field.value = "vip";
    field.dispatchEvent(new Event("input", { bubbles: true }));
}).observe(document.body, { childList: true, subtree: true })"""


def test_a_marketer_chooses_a_template_mends_three_mistakes_counts_and_saves(
    console: Console, page: Page
) -> None:
    """What is wrong stands beside its field, the count follows the rules, the draft is saved."""
    console.services.store.run(_three_members)
    console.sign_in(page, "marketer")

    page.goto(console.url + "/console/gallery")
    card = page.get_by_role("article", name="New member bonus")
    expect(card.get_by_role("img", name="The journey of New member bonus")).to_be_visible()
    card.get_by_role("link", name="Use this template").click()
    page.get_by_label("Welcome points").fill("plenty")
    page.get_by_label("Days the card runs").fill("99")
    page.get_by_label("Id", exact=True).fill("Spring Sale")
    page.get_by_role("button", name="Save the draft").click()

    expect(page.get_by_text("3 fields need a look")).to_be_visible()
    expect(page.get_by_label("Welcome points")).to_have_value("plenty")
    expect(page.get_by_text("Give a whole number from 1 to 5,000.")).to_be_visible()
    page.get_by_label("Welcome points").fill("800")
    page.get_by_label("Days the card runs").fill("14")
    page.get_by_label("Id", exact=True).fill("spring-sale")

    expect(_size(page)).to_have_text("3")  # everybody, as nothing narrows it yet
    page.get_by_role("button", name="Add a group of rules").click()
    page.get_by_label("About").select_option("Tags")
    page.get_by_label("Tags, parted by commas").fill("vip")
    expect(_size(page)).to_have_text("2")
    expect(page.get_by_role("cell", name="kim")).to_be_visible()
    page.get_by_role("button", name="Save the draft").click()

    expect(page).to_have_url(console.url + "/console/campaigns/spring-sale")
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    page.goto(console.url + "/console/campaigns/spring-sale/edit")
    expect(page.get_by_label("Tags, parted by commas")).to_have_value("vip")
    expect(page.get_by_label("Welcome points")).to_have_value("800")


def test_what_was_typed_is_left_behind_by_no_click_and_no_end_of_the_session(
    console: Console, page: Page
) -> None:
    """A link asks first; signed in again in another tab, the same form goes on and is saved."""
    console.services.store.run(_three_members)
    console.sign_in(page, "marketer")
    page.goto(console.url + "/console/campaigns/new?template=new_member_bonus")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_label("Id", exact=True).fill("spring-sale")
    page.get_by_role("button", name="Add a group of rules").click()
    page.get_by_label("About").select_option("Tags")
    page.get_by_role("link", name="Campaigns", exact=True).click(no_wait_after=True)
    expect(page.get_by_label("Id", exact=True)).to_have_value("spring-sale")
    assert asked == ["beforeunload"]

    (mei,) = [each for each in console.services.people.list() if each.role == "marketer"]
    console.services.sessions.end_all(mei.id, actor="test")
    page.get_by_label("Tags, parted by commas").fill("vip")
    expect(page.get_by_role("alert")).to_contain_text("What you typed stays on this page")
    expect(page.get_by_label("Id", exact=True)).to_have_value("spring-sale")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    other = page.context.new_page()
    console.sign_in(other, "marketer")
    page.get_by_role("button", name="Send it again").click()

    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    page.goto(console.url + "/console/campaigns/spring-sale/edit")
    expect(page.get_by_label("Tags, parted by commas")).to_have_value("vip")
    assert asked == ["beforeunload"]


def test_what_is_typed_the_moment_a_field_appears_is_counted(console: Console, page: Page) -> None:
    """A new field listens from its first moment, however quick the hand."""
    console.services.store.run(_three_members)
    console.sign_in(page, "marketer")
    page.goto(console.url + "/console/gallery")
    card = page.get_by_role("article", name="New member bonus")
    card.get_by_role("link", name="Use this template").click()
    page.get_by_role("button", name="Add a group of rules").click()

    page.evaluate(TYPES_AT_ONCE)
    page.get_by_label("About").select_option("Tags")

    expect(page.get_by_label("Tags, parted by commas")).to_have_value("vip")
    expect(_size(page)).to_have_text("2")


def _three_members(tx: Transaction) -> None:
    for id, tags in (("lee", ["vip"]), ("kim", ["vip"]), ("zoe", [])):
        register(tx, Registration(id=id, name=f"{id} Person", tags=tags))


def _size(page: Page) -> Locator:
    return page.locator("#audience-size .tile-value").first
