"""Why did they not get it: any campaign can be asked for, also where there are very many."""

import re

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
