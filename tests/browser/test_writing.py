"""A marketer writes a template of her own in the browser, from a copy to a campaign."""

import re

from playwright.sync_api import Dialog, Page, expect

from loyalty.registration import Registration, register
from tests.browser.conftest import Console
from tests.browser.writing import another_version, two_versions


def test_a_template_is_copied_broken_mended_tried_saved_and_launched_from(
    console: Console, page: Page
) -> None:
    """The whole job; no deploy, and the error stands at its line before anything is saved."""
    console.sign_in(page, "marketer")
    page.goto(f"{console.url}/console/templates")
    expect(page.get_by_role("heading", name="None of your own yet")).to_be_visible()
    page.get_by_role("link", name="Copy and edit: New member bonus").click()

    expect(page.get_by_text("Good: it can be saved and launched.")).to_be_visible()
    editor = page.get_by_role("textbox", name="campaign.yaml")
    whole = editor.input_value().replace("my_new_member_bonus", "spring_welcome")
    editor.fill(whole.replace("default: 500", "default: 300"))
    expect(page.locator("svg.journey")).to_be_visible()

    # She breaks a step, and hears of it while she types.
    broken = editor.input_value().replace("- grant: {points: $w", "- gramt: {points: $w")
    editor.fill(broken)
    line = broken[: broken.index("gramt")].count("\n") + 1
    finding = page.get_by_role("link", name=f"campaign.yaml, line {line}, column 5")
    expect(finding).to_be_visible()
    expect(page.get_by_text("Did you mean grant?")).to_be_visible()
    expect(page.locator(f"#line-0-{line}")).to_have_class("found")

    # The finding takes the cursor there; she types over what is marked.
    finding.click()
    expect(editor).to_be_focused()
    # Text and line numbers scroll as one.
    assert editor.evaluate("e => [e.scrollTop, e.scrollHeight - e.clientHeight]") == [0, 0]
    page.keyboard.type("grant: {points: $welcome_points}")
    expect(page.get_by_text("Good: it can be saved and launched.")).to_be_visible()
    expect(page.locator(".code-lines .found")).to_have_count(0)

    # A text in the other tab names something that is not there.
    page.locator("label", has_text=re.compile("^welcome EN")).click()
    letter = page.get_by_role("textbox", name="messages/welcome.en.j2")
    words = letter.input_value()
    letter.fill(words + "\nYou have {{ points.avail }} points.\n")
    expect(page.get_by_text("There is no 'points.avail' here.")).to_be_visible()
    letter.fill(words)
    expect(page.get_by_text("Good: it can be saved and launched.")).to_be_visible()

    # On a sample member, with what they would read.
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("grant: gave 300 points.")).to_be_visible()

    page.get_by_label("What changed, and why").fill("Fewer points in spring")
    page.get_by_role("button", name="Save as version 1").click()
    expect(page.get_by_text("Version 1 of spring_welcome is saved.")).to_be_visible()

    page.get_by_role("link", name="Make a campaign from it").click()
    expect(page).to_have_url(re.compile(r"/console/campaigns/new\?template=spring_welcome$"))
    expect(page.get_by_label("Welcome points")).to_have_value("300")


def test_nothing_else_on_the_page_takes_what_was_typed_along(console: Console, page: Page) -> None:
    """Another language, another theme, a search: each asks first, also after a check."""
    name = two_versions(console)
    console.sign_in(page, "marketer")
    page.goto(f"{console.url}/console/templates/{name}/edit")
    editor = page.get_by_role("textbox", name="campaign.yaml")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    mine = editor.input_value().replace("default: 300", "default: 450")
    editor.fill(mine)
    page.get_by_role("button", name="中文").click(no_wait_after=True)
    expect(editor).to_have_value(mine)
    assert asked == ["beforeunload"]

    page.get_by_role("button", name="Check").click()
    expect(page.locator("form.write[data-unsaved]")).to_be_visible()
    expect(editor).to_have_value(mine)
    page.get_by_role("button", name="Theme").click(no_wait_after=True)
    expect(editor).to_have_value(mine)
    assert asked == ["beforeunload"] * 2

    page.get_by_label("What changed, and why").fill("More points")
    page.get_by_role("button", name="Save as version 3").click()
    expect(page.get_by_text(f"Version 3 of {name} is saved.")).to_be_visible()
    assert asked == ["beforeunload"] * 2


def test_the_second_of_two_editors_sees_both_and_decides(console: Console, page: Page) -> None:
    """Mei saves while Ada is typing: nothing of Ada's is lost, nothing of Mei's is hidden."""
    name = two_versions(console)
    console.sign_in(page, "admin")
    page.goto(f"{console.url}/console/templates/{name}/edit")
    editor = page.get_by_role("textbox", name="campaign.yaml")
    mine = editor.input_value().replace("default: 300", "default: 450")
    editor.fill(mine)
    page.get_by_label("What changed, and why").fill("In between")
    another_version(console, name, "default: 300", "default: 200")
    page.get_by_role("button", name="Save as version 3").click()

    expect(page.get_by_text("Mei Lin saved version 3 meanwhile.")).to_be_visible()
    expect(editor).to_have_value(mine)
    expect(page.get_by_role("row", name="17 removed: default: 200")).to_be_visible()
    expect(page.get_by_role("row", name="17 added: default: 450")).to_be_visible()
    page.get_by_role("button", name="Save mine as version 4, after theirs").click()

    expect(page.get_by_text(f"Version 4 of {name} is saved.")).to_be_visible()


def test_earning_rules_are_measured_tried_and_switched_on(console: Console, page: Page) -> None:
    """From the text to the version that will count, with the cart's points on the way."""
    console.services.store.run(lambda tx: register(tx, Registration(id="lee")))
    console.sign_in(page, "marketer")
    page.goto(f"{console.url}/console/earning-rules")
    editor = page.get_by_label("Earning rules as YAML")
    editor.fill("base: {minor: 500}\nrulez: []\n")
    expect(page.get_by_role("link", name="earning-rules.yaml, line 2, column 1")).to_be_visible()
    editor.fill("base: {minor: 500}\n")
    expect(page.get_by_text("Good: it can be activated.")).to_be_visible()

    page.get_by_role("textbox", name="Member").fill("lee")
    expect(page.get_by_role("definition").filter(has_text="31 points")).to_be_visible()

    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("Version 2 is made.")).to_be_visible()
    expect(page.get_by_role("cell", name="Coming")).to_be_visible()
