"""Why did they not get it: any campaign can be asked for, also where there are very many."""

import re
from html import unescape

import pytest

from api.console.why import OFFERED
from tests.api.conftest import Shop


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop with more campaigns than the page proposes, and a member."""
    shop.joins("lee")
    marketer = shop.as_("marketer")
    for number in range(OFFERED + 1):
        body = {"id": f"c-{number:03}", "name": f"Hello {number}", "template": "greeting"}
        assert marketer.post("/v1/campaigns", json=body).status_code == 201
    return shop


def test_a_campaign_that_is_not_proposed_can_be_asked_for(busy: Shop) -> None:
    """It is typed by its id, stays in its field, and is answered for."""
    operator, last = busy.signed_in("operator"), f"c-{OFFERED:03}"

    page = operator.get(f"/console/why?member=lee&campaign={last}").text

    field = re.search(r'<input[^>]*name="campaign"[^>]*>', page)
    assert field is not None
    assert (f'value="{last}"' in field[0], 'list="campaigns"' in field[0]) == (True, True)
    assert '<option value="c-000">Hello 0</option>' in page
    assert f'<option value="{last}">' not in page
    assert f'href="/console/campaigns/{last}"' in page, "the answer leads to it"


def test_any_campaign_is_found_from_the_members_page_by_a_part_of_its_name(busy: Shop) -> None:
    """Who knows no id types what stands on the poster, and chooses among what is called so."""
    operator, last = busy.signed_in("operator"), f"c-{OFFERED:03}"
    form = operator.get("/console/members/lee").text
    field = re.search(r'<input[^>]*id="why-campaign"[^>]*>', form)
    assert field is not None
    assert 'name="campaign"' in field[0]

    asked = {"member": "lee", "campaign": "lo 20"}
    named = operator.get("/console/why", params=asked).text
    found = re.findall(r'href="(/console/why[^"]+)">([^<]+)</a>', named)
    answer = operator.get(unescape(found[-1][0])).text

    assert [name for _, name in found] == ["Hello 20", f"Hello {OFFERED}"]
    assert f'href="/console/campaigns/{last}"' in answer


def test_one_campaign_of_that_name_is_answered_for_at_once(busy: Shop) -> None:
    asked = {"member": "lee", "campaign": f"hello {OFFERED}"}
    answer = busy.signed_in("operator").get("/console/why", params=asked, follow_redirects=True)

    assert answer.url.query == f"member=lee&campaign=c-{OFFERED:03}".encode()
    assert f'href="/console/campaigns/c-{OFFERED:03}"' in answer.text


def test_very_many_campaigns_of_one_name_are_turned_over(busy: Shop) -> None:
    operator = busy.signed_in("operator")

    first = operator.get("/console/why", params={"member": "lee", "campaign": "hello"}).text
    more = re.search(r'href="([^"]+)" rel="next"', first)
    assert more is not None
    rest = operator.get(unescape(more[1])).text

    assert re.findall(r"Hello \d+</a>", rest) == [f"Hello {OFFERED}</a>"]


def test_what_no_campaign_is_called_is_said(busy: Shop) -> None:
    asked = {"member": "lee", "campaign": "christmas"}
    answer = busy.signed_in("operator").get("/console/why", params=asked)

    assert answer.status_code == 404
    assert "christmas" in answer.text
