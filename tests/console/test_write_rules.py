"""Earning rules in the browser: written, measured, tried on a cart, switched on with a reason."""

import re
from datetime import timedelta
from html import unescape

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from loyalty.earning.load import load_rules
from loyalty.earning.written import written
from loyalty.programme import Programme
from tests.api.conftest import Shop
from tests.stories import SHANGHAI

DOUBLE = "base: {minor: 500, points: 1}\n"
DEAR = "base: {minor: 100, points: 20}\n"
FIRST = {"after_version": "1"}


@pytest.fixture
def mia(shop: Shop) -> TestClient:
    shop.joins()
    return shop.signed_in("marketer")


def editor(page: str) -> str:
    found = re.search(r"<textarea[^>]*code-text[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_the_next_version_begins_with_the_present_one(mia: TestClient) -> None:
    """As a person would write it; read back, it is the same rules."""
    text = editor(mia.get("/console/earning-rules").text)

    own = Programme().earning.rule_set
    assert load_rules(text, (), SHANGHAI) == own
    assert text == written(own)


def test_findings_and_the_highest_stack_are_shown_while_one_types(mia: TestClient) -> None:
    """First the line that is wrong; mended, how much it could give."""
    head = {"HX-Request": "true"}
    wrong = {"text": "base: {minor: 500}\nrulez: []\n"}
    answer = mia.post("/console/earning-rules/check", data=wrong, headers=head).text
    assert 'data-line="2" data-column="1"' in answer

    answer = mia.post("/console/earning-rules/check", data={"text": DEAR}, headers=head).text
    assert "100%" in answer  # five times as much, with the best card
    assert "activating it needs a reason" in answer


def test_a_cart_is_tried_by_both_rules(mia: TestClient) -> None:
    """What the member would get, and what today's rules give."""
    sent = {"text": DOUBLE, "cart.member_id": "lee", "cart.lines": "grocery 1,000.00\n"}

    page = mia.post("/console/earning-rules/check", data=sent).text

    assert "200 points" in page
    assert "150 points" in page  # Saturday's
    assert editor(page) == DOUBLE


@pytest.mark.parametrize(
    ("cart", "said"),
    [
        ({"cart.member_id": "nobody", "cart.lines": "fresh 1"}, "There is no member"),
        ({"cart.member_id": "lee", "cart.lines": "fresh"}, "Line 1 has a category and an amount"),
        ({"cart.member_id": "lee", "cart.lines": "fresh 1.005"}, "Line 1 has a category and an"),
        ({"cart.member_id": "lee", "cart.lines": "fresh nan"}, "Line 1 has a category and an"),
        ({"cart.member_id": "lee", "cart.lines": "fresh 1e9999999"}, "Line 1 has a category and"),
        ({"cart.member_id": "lee", "cart.lines": "fresh 99,90"}, "Line 1 has a category and an"),
        ({"cart.member_id": "lee", "cart.lines": ""}, "cart-lines-error"),
        ({"cart.member_id": "no/such id", "cart.lines": "fresh 1"}, "cart-member_id-error"),
    ],
)
def test_a_cart_that_cannot_be_read_is_said_beside_it(
    mia: TestClient, cart: dict[str, str], said: str
) -> None:
    """And the rules stay as they were typed."""
    page = mia.post("/console/earning-rules/check", data={"text": DOUBLE, **cart}).text

    assert said in page
    assert editor(page) == DOUBLE


def activates(visitor: TestClient, **typed: str) -> Response:
    """With what the page's own form carries, as it is opened now or was (`page`)."""
    page = typed.pop("page", "") or visitor.get("/console/earning-rules").text
    carried = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\d*)">', page))
    return visitor.post("/console/earning-rules/activate", data={**carried, **typed})


def test_rules_are_switched_on_from_an_instant(mia: TestClient, shop: Shop) -> None:
    """Coming, then counting; the one before is past, and the next goes on from what counts."""
    begins = (shop.clock.now() + timedelta(hours=1)).astimezone(SHANGHAI)

    done = activates(mia, text=DOUBLE, active_from=begins.strftime("%Y-%m-%dT%H:%M"))

    assert done.status_code == 303
    page = mia.get("/console/earning-rules").text
    assert "Version 2 is made." in page
    assert "Coming" in page
    assert "The next version, from version 1" in page
    assert editor(page) == written(Programme().earning.rule_set)
    shop.clock.moves(timedelta(hours=1))
    page = mia.get("/console/earning-rules").text
    assert "The next version, from version 2" in page
    assert editor(page) == "base:\n  minor: 500\n"


def test_a_mend_for_today_says_that_march_undoes_it(mia: TestClient) -> None:
    """The box that names March's version is to be ticked first; nothing typed is lost."""
    assert activates(mia, text=DOUBLE, active_from="2027-03-01T00:00").status_code == 303

    refused = activates(mia, text=DEAR, reason="Opening week")
    assert (refused.status_code, editor(refused.text)) == (422, DEAR)
    assert "Version 2 is coming" in refused.text
    assert "Say that you know this" in refused.text
    done = activates(mia, text=DEAR, reason="Opening week", until_version="2")
    assert done.status_code == 303
    later = activates(mia, text=DOUBLE, active_from="2027-04-01T00:00")
    assert later.status_code == 303, "nothing comes after April"


def test_two_who_write_at_once_see_each_others_rules(mia: TestClient, shop: Shop) -> None:
    """Whoever is second sees who was first and what differs, and decides."""
    ada = shop.signed_in("admin")
    opened = ada.get("/console/earning-rules").text
    assert activates(mia, text=DOUBLE, active_from="2027-03-01T00:00").status_code == 303

    second = activates(ada, page=opened, text="base: {minor: 900}\n")

    assert (second.status_code, editor(second.text)) == (409, "base: {minor: 900}\n")
    assert "marketer by hand made version 2 meanwhile" in second.text
    assert "  minor: 500" in second.text
    assert "Activate mine as version 3, after theirs" in second.text
    asked = activates(ada, page=second.text, text="base: {minor: 900}\n", over="2")
    assert asked.status_code == 422, "March takes over"
    done = activates(ada, page=asked.text, text="base: {minor: 900}\n", until_version="2")
    assert done.status_code == 303


def test_above_the_limit_a_reason_is_asked_for_beside_its_field(mia: TestClient) -> None:
    """Refused with everything as it was typed; with a reason it is done."""
    refused = mia.post("/console/earning-rules/activate", data={"text": DEAR, **FIRST})
    assert (refused.status_code, editor(refused.text)) == (422, DEAR)
    assert 'id="f-reason-error"' in refused.text

    done = mia.post(
        "/console/earning-rules/activate", data={"text": DEAR, "reason": "Opening week", **FIRST}
    )
    assert done.status_code == 303


def test_broken_rules_are_not_switched_on_and_not_lost(mia: TestClient) -> None:
    """What is wrong stands at its line, and the text as it was typed."""
    broken = "base: {minor: 500}\nrulez: []\n"

    refused = mia.post("/console/earning-rules/activate", data={"text": broken, **FIRST})

    assert (refused.status_code, editor(refused.text)) == (422, broken)
    assert "It was not activated. Mend what is listed first." in refused.text
    assert 'data-line="2"' in refused.text


def test_a_past_beginning_is_refused_beside_its_field(mia: TestClient) -> None:
    """Nothing that was posted is ever judged anew."""
    sent = {"text": DOUBLE, "active_from": "2020-01-01T00:00", **FIRST}

    refused = mia.post("/console/earning-rules/activate", data=sent)

    assert (refused.status_code, 'id="f-active_from-error"' in refused.text) == (422, True)


def test_operators_read_the_rules_and_switch_nothing(shop: Shop) -> None:
    """Roles as the API has them."""
    tom = shop.signed_in("operator")

    assert "Activate" not in tom.get("/console/earning-rules").text
    assert tom.post("/console/earning-rules/check", data={"text": DOUBLE}).status_code == 200
    assert tom.post("/console/earning-rules/activate", data={"text": DOUBLE}).status_code == 403
