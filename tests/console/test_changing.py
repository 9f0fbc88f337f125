"""A campaign is changed by several people, while its template and its state change too."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from loyalty import campaigns
from loyalty.admission import compiled
from loyalty.journeys.load import load_texts
from loyalty.people import IDLE
from loyalty.templates import Template
from tests.api.conftest import CAMPAIGN, Shop
from tests.console.test_choose_and_set import TEMPLATES, typed

EDIT = "/console/campaigns/hello/edit"
SAVE = {"act": "save"}


@pytest.fixture
def known() -> dict[str, Template]:
    """What can be launched; a template that is put in is saved for everybody."""
    return dict(TEMPLATES)


@pytest.fixture
def shop(serving: Callable[..., Shop], known: dict[str, Template]) -> Shop:
    return serving(templates=lambda: known)


@pytest.fixture
def mei(shop: Shop) -> TestClient:
    return shop.signed_in("marketer")


def drafts(shop: Shop, template: str = "new_member_bonus", **more: Any) -> None:
    body = {"id": "hello", "name": "Hello", "template": template, **more}
    answer = shop.as_("marketer").post("/v1/campaigns", json=body)
    assert answer.status_code == 201, answer.text


def launches(shop: Shop, version: int = 1) -> None:
    shop.services.store.run(lambda tx: campaigns.launch(tx, "hello", version, "ada"))


def now(shop: Shop) -> Any:
    """The number of the present version, and its rules."""

    def look(tx: Any) -> Any:
        campaign = tx.campaigns.get("hello")
        return campaign.version, compiled(tx.campaigns.version("hello", campaign.version))

    return shop.services.store.read(look)


def test_the_second_of_two_who_change_a_draft_sees_both_and_decides(
    shop: Shop, mei: TestClient
) -> None:
    """Ada's referral points are not lost to Mei's older page; Mei is shown how hers differs."""
    drafts(shop)
    hers = typed(mei.get(EDIT).text) | {"values.welcome_points": "600"} | SAVE
    ada = shop.signed_in("admin")
    theirs = hers | {"values.welcome_points": "500", "values.referral_points": "25"}
    assert ada.post(EDIT, data=theirs).status_code == 303

    told = mei.post(EDIT, data=hers)

    assert told.status_code == 409
    assert "admin by hand saved version 2 meanwhile." in told.text
    assert "data-unsaved" in told.text
    rows = re.findall(r"<code>(\w+)</code></td><td>(.*?)</td><td>(.*?)</td>", told.text)
    assert {("welcome_points", "500", "600"), ("referral_points", "25", "300")} <= set(rows)
    assert now(shop)[0] == 2
    again = typed(told.text)
    assert again["values.welcome_points"] == "600"
    assert mei.post(EDIT, data=again | {"values.referral_points": "25"} | SAVE).status_code == 303
    _, rules = now(shop)
    assert (rules.values["referral_points"], rules.values["welcome_points"]) == (25, 600)


def test_a_draft_that_was_launched_meanwhile_is_not_changed_as_a_draft(
    shop: Shop, mei: TestClient
) -> None:
    """Her page says "Save the draft": for a campaign that runs that is another decision."""
    drafts(shop)
    hers = typed(mei.get(EDIT).text) | {"values.welcome_points": "1"} | SAVE
    launches(shop)

    told = mei.post(EDIT, data=hers)

    assert told.status_code == 409
    assert "The campaign was launched meanwhile." in told.text
    assert "whoever enters from now on gets it" in told.text
    assert "Save as the next version" in told.text
    assert now(shop)[0] == 1
    assert mei.post(EDIT, data=typed(told.text) | SAVE).status_code == 303
    assert now(shop)[1].values["welcome_points"] == 1


def test_a_change_of_the_budget_leaves_the_template_as_it_was_launched(
    shop: Shop, mei: TestClient, known: dict[str, Template]
) -> None:
    """Whoever wants the template's newer version sees what it changes, and asks for it."""
    asking = CAMPAIGN.replace("budget_points: 1000\n", "")
    known["greeting"] = load_texts("greeting", {"campaign.yaml": asking})
    drafts(shop, "greeting", budget_points=5_000)
    launches(shop)
    assert "template was changed" not in mei.get(EDIT).text
    richer = asking.replace("points: $points", "points: 4999")
    richer = re.sub(r"parameters:\n(  .*\n)+", "", richer)
    known["greeting"] = load_texts("greeting", {"campaign.yaml": richer})

    page = mei.get(EDIT).text
    assert "The template was changed since this campaign was drafted from it." in page
    assert mei.post(EDIT, data=typed(page) | {"budget_points": "4000"} | SAVE).status_code == 303
    version, rules = now(shop)
    assert (version, rules.budget_points) == (2, 4_000)
    assert "4999" not in str(rules.plan)

    moving = mei.get(EDIT + "?template=newest").text
    assert "This form is of the template as it is now." in moving
    assert ">4,999<" in moving
    assert mei.post(EDIT, data=typed(moving) | SAVE).status_code == 303
    version, rules = now(shop)
    assert (version, rules.budget_points) == (3, 4_000)
    assert "4999" in str(rules.plan)
    assert "template was changed" not in mei.get(EDIT).text


def test_the_draft_of_an_exchange_is_changed_and_a_launched_one_offers_no_edit(
    shop: Shop, mei: TestClient
) -> None:
    """Hours that do not fit are said beside their field, in the reader's language."""
    soon = shop.clock.now() + timedelta(days=3)
    hours = {"opens_at": soon.isoformat(), "closes_at": (soon + timedelta(days=1)).isoformat()}
    drafts(shop, "limited_time_exchange", values=hours)
    form = typed(mei.get(EDIT).text) | SAVE
    backwards = form | {"values.closes_at": "2020-01-01T10:00"}

    wrong = mei.post(EDIT, data=backwards, headers={"Accept-Language": "zh"})
    assert (wrong.status_code, "before it opens" in wrong.text) == (422, False)
    assert re.search(r'name="values.closes_at"[^>]*aria-invalid="true"', wrong.text)
    assert mei.post(EDIT, data=form | {"values.points": "999"}).status_code == 303
    assert now(shop)[1].exchange.points == 999

    launches(shop, 2)
    for path in ("", "/preview", "/calendar", "/versions"):
        assert EDIT not in mei.get(f"/console/campaigns/hello{path}").text
    assert mei.get(EDIT).headers["location"] == "/console/campaigns/hello"
    assert mei.post(EDIT, data=form).status_code == 422


def test_what_was_typed_outlives_the_session(shop: Shop, mei: TestClient) -> None:
    """The form was left open overnight: signed in elsewhere, the same is sent again."""
    drafts(shop)
    mine = typed(mei.get(EDIT).text) | {"values.welcome_points": "600"} | SAVE
    shop.clock.moves(IDLE)

    kept = mei.post(EDIT, data=mine)

    assert kept.status_code == 401
    assert now(shop)[0] == 1
    sent = typed(kept.text)
    assert sent == mine
    assert f'action="{EDIT}"' in kept.text
    assert shop.signed_in("admin").post(EDIT, data=sent).status_code == 303
    assert now(shop)[1].values["welcome_points"] == 600
