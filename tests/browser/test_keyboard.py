"""Whoever works without a mouse: a link past the menu, a mark on what has the focus, no trap."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.browser.pages import PAGES, Shown

MAIN = ("home", "gallery", "set-edit", "template-new", "campaigns", "watch", "member", "run",
        "repair-list", "audit", "sign-in")  # fmt: skip
SHOWN = [page for page in PAGES if page.name in MAIN]
STOPS_MOST = 400

# Where the focus is, and whether one sees it: an outline on it, around it, or on its label; and
# nothing of the page that stays in place lies over it.
_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const marked = (one) => one && getComputedStyle(one).outlineStyle !== "none"
    && parseFloat(getComputedStyle(one).outlineWidth) >= 2;
  const label = at.nextElementSibling?.matches("label") ? at.nextElementSibling : null;
  const box = (label ?? at).getBoundingClientRect();
  const bar = document.querySelector(".bar");
  const stuck = bar && getComputedStyle(bar).position === "sticky" && !bar.contains(at);
  const all = [...document.querySelectorAll("*")];
  return {
    name: at.outerHTML.slice(0, 120),
    place: all.indexOf(at),
    marked: marked(at) || marked(label) || marked(at.closest(".code")),
    covered: Boolean(stuck && !at.matches(".skip") && box.bottom <= bar.offsetHeight),
  };
}"""


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.name)
def test_the_focus_goes_through_the_page_in_order_and_is_seen(
    console: Console, new_page: Callable[..., Page], shown: Shown
) -> None:
    path = shown.path(console)
    page = new_page(viewport={"width": 1280, "height": 800})
    if shown.role:
        console.sign_in(page, shown.role)
    shown.show(page, console, path)
    page.evaluate("document.activeElement.blur()")

    stops: list[Any] = []
    for _ in range(STOPS_MOST):
        page.keyboard.press("Tab")
        found = page.evaluate(_FOCUS)
        if found is None or (stops and found["place"] == stops[0]["place"]):
            break
        stops.append(found)
    else:
        pytest.fail(f"The focus does not leave {shown.name}.")

    assert len(stops) >= 2
    assert [each["name"] for each in stops if not each["marked"]] == []
    assert [each["name"] for each in stops if each["covered"]] == []
    places = [each["place"] for each in stops]
    assert places == sorted(places)


def test_the_first_key_leads_past_the_menu(console: Console, page: Page) -> None:
    console.sign_in(page, "marketer")
    page.goto(console.url + "/console/gallery")

    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Use this template").first).to_be_focused()
