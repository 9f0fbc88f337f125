"""Language and theme are changed from every page, those too that answer a form that was sent."""

import re
from html import unescape

import pytest

from loyalty.access import Role
from tests.api.conftest import Shop
from tests.console.lee import live

FIRST_STEPS = "/console/campaigns/first-steps"


@pytest.mark.parametrize(
    ("role", "path", "fields", "back"),
    [
        ("operator", "/console/members/lee/details", {}, "/console/members/lee"),
        ("marketer", f"{FIRST_STEPS}/launch", {}, FIRST_STEPS),
        ("marketer", f"{FIRST_STEPS}/duplicate", {"id": "!"}, FIRST_STEPS),
        ("marketer", f"{FIRST_STEPS}/watch/pause", {"reason": " "}, f"{FIRST_STEPS}/watch"),
        ("marketer", "/console/earning-rules/check", {"text": ""}, "/console/earning-rules"),
        ("marketer", "/console/templates/check", {"act": "check"}, "/console/templates/new"),
        ("marketer", "/console/templates/save", {}, "/console/templates/new"),
        ("marketer", "/console/templates/try", {}, "/console/templates/new"),
        ("admin", "/console/people/{mei}/reset", {}, "/console/people"),
    ],
)
def test_the_buttons_of_an_answered_form_lead_to_its_page(
    shop: Shop, role: Role, path: str, fields: dict[str, str], back: str
) -> None:
    """Not to the address the form was sent to, where nothing can be read."""
    live(shop.services)
    people = shop.services.people
    mei, _ = people.invite(name="Mei", email="mei@example.com", role="marketer", actor="test")
    browser = shop.signed_in(role)

    answer = browser.post(path.format(mei=mei.id), data=fields)

    assert answer.status_code != 303
    sent = {"next": unescape(re.findall('name="next" value="([^"]+)"', answer.text)[0])}
    chosen = browser.post("/console/preferences", data={**sent, "language": "zh"})
    assert chosen.headers["location"] == back
    assert browser.get(back).status_code == 200


def test_the_buttons_of_a_page_keep_what_was_asked_of_it(shop: Shop) -> None:
    """A search or a later page of a list is there again in the other language."""
    page = shop.signed_in("marketer").get("/console/campaigns?q=tea&state=draft").text

    assert 'name="next" value="/console/campaigns?q=tea&amp;state=draft"' in page


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/console/members/lee?tab=x#top", "/console/members/lee?tab=x"),
        ("https://elsewhere.example/shop", "/console"),
        ("http://[x", "/console"),
        ("", "/console"),
    ],
)
def test_the_buttons_of_a_refused_form_lead_to_where_it_stood(
    shop: Shop, referer: str, back: str
) -> None:
    """An error page answers the address of a form; the language is changed on the form's page."""
    browser = shop.signed_in("operator")
    headers = {"referer": referer} if referer else {}

    answer = browser.post("/console/members/nobody/details", data={}, headers=headers)

    assert answer.status_code >= 400
    assert f'name="next" value="{back}"' in answer.text
