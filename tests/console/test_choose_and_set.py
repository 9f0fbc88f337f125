"""A marketer chooses a template, sets it, says whom it is for, and saves a draft."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from loyalty.admission import compiled
from loyalty.journeys.load import load_all, load_texts
from loyalty.programme import Launch, Programme
from storage.store import SqlStore
from tests.api.conftest import CAMPAIGN, Shop

TEMPLATES = load_all(Path(__file__).parents[2] / "campaign_templates")
NEW = "/console/campaigns/new?template="


@pytest.fixture
def shop(serving: Callable[..., Shop]) -> Shop:
    return serving(templates=lambda: TEMPLATES)


@pytest.fixture
def marketer(shop: Shop) -> TestClient:
    return shop.signed_in("marketer")


def typed(page: str) -> dict[str, str]:
    """What a browser would send of the page's texts and choices."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]*)"', tag)
        if name and kind and kind[1] not in ("checkbox", "radio"):
            found[name[1]] = value[1].replace("&#34;", '"') if value else ""
    for select in re.findall(r"<select.*?</select>", page, re.DOTALL):
        name = re.search(r'name="([^"]*)"', select)
        chosen = re.search(r'value="([^"]*)" selected', select)
        first = re.search(r'value="([^"]*)"', select)
        best = chosen or first
        if name and best:
            found[name[1]] = best[1]
    return {
        name: value for name, value in found.items() if name not in ("language", "theme", "next")
    }


def saved(shop: Shop, id: str) -> Any:
    def look(tx: Any) -> Any:
        campaign = tx.campaigns.get(id)
        return campaign and compiled(tx.campaigns.version(id, campaign.version))

    return shop.services.store.read(look)


def test_the_gallery_shows_every_template_with_its_journey(marketer: TestClient) -> None:
    page = marketer.get("/console/gallery").text

    for template in TEMPLATES.values():
        assert template.title.en in page
        assert f"{NEW}{template.name}" in page
    assert page.count('<svg class="journey"') == len(TEMPLATES)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_the_form_asks_for_everything_and_saves_what_it_shows(
    shop: Shop, marketer: TestClient, name: str
) -> None:
    """Whatever the defaults are, leaving them alone makes a draft of exactly them."""
    form = typed(marketer.get(NEW + name).text)
    for parameter, each in TEMPLATES[name].parameters.items():
        assert f"values.{parameter}" in form
        if each.default is None:
            form[f"values.{parameter}"] = "2027-03-08T10:00"
    if "values.closes_at" in form:
        form["values.closes_at"] = "2027-03-10T22:00"

    answer = marketer.post(NEW + name, data=form | {"act": "save"})

    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"/console/campaigns/{form['id']}"
    values = saved(shop, form["id"]).values
    for parameter, each in TEMPLATES[name].parameters.items():
        if each.default is not None:
            assert str(values[parameter]) == str(each.default)
    if name == "limited_time_exchange":
        # As the clock in Shanghai shows it.
        assert values["opens_at"] == "2027-03-08T02:00:00Z"


def test_all_mistakes_are_shown_at_once_and_nothing_typed_is_lost(marketer: TestClient) -> None:
    form = typed(marketer.get(NEW + "new_member_bonus").text)
    wrong = {
        "id": "Spring Sale!",
        "values.welcome_points": "a lot",
        "values.double_days": "99",
        "values.referral_points": "",
        "audience.match": "all",
        "audience.groups.0.match": "all",
        "audience.groups.0.rules.0.about": "spend",
        "audience.groups.0.rules.0.amount": "much",
        "audience.groups.0.rules.0.days": "30",
        "act": "save",
    }

    answer = marketer.post(NEW + "new_member_bonus", data=form | wrong)

    assert answer.status_code == 422
    again = typed(answer.text)
    for field, value in wrong.items():
        if field != "act":
            assert again[field] == value
    errors = re.findall(r'class="error" id="f-([a-z0-9_-]*)-error"', answer.text)
    assert set(errors) == {
        "id", "values-welcome_points", "values-double_days", "values-referral_points",
        "audience-groups-0-rules-0-amount",
    }  # fmt: skip
    assert "This is too much: give a figure from 3 to 28." in answer.text


@pytest.mark.parametrize(
    ("typed_in", "means"),
    [("1,200", "1200"), ("1，200", "1200"), ("1,5", None), ("12,00", None), ("1.5", None)],
)
def test_a_comma_parts_thousands_and_nothing_else(
    shop: Shop, marketer: TestClient, typed_in: str, means: str | None
) -> None:
    """Whoever writes 1,5 means one and a half: it is refused, and not taken for fifteen."""
    form = typed(marketer.get(NEW + "new_member_bonus").text)
    changed = {"values.welcome_points": typed_in, "id": "comma", "act": "save"}

    answer = marketer.post(NEW + "new_member_bonus", data=form | changed)

    assert answer.status_code == (422 if means is None else 303)
    if means is not None:
        [line] = shop.as_("marketer").get("/v1/campaigns/comma/versions").json()["versions"]
        assert str(line["values"]["welcome_points"]) == means


@pytest.mark.parametrize("amount", ["1e500000", "1e9999999", "9" * 5000, "nan", "-1", "0.001"])
def test_an_amount_that_nobody_would_write_is_refused_at_once(
    marketer: TestClient, amount: str
) -> None:
    """Seven signs that spell a number of a million digits hold up no till."""
    row = {"about": "spend", "op": "at_least", "days": "30", "amount": amount}
    form = {f"audience.groups.0.rules.0.{name}": value for name, value in row.items()}

    answer = marketer.post("/console/audiences/count", data=form | {"template": "new_member_bonus"})

    assert answer.status_code == 200
    assert "Not counted: a rule is not filled in yet" in answer.text
    assert answer.elapsed.total_seconds() < 2


@pytest.mark.parametrize("name", ["a" + ".a" * 5000, "a." + "1" * 5000])
def test_a_form_whose_names_never_end_is_refused(marketer: TestClient, name: str) -> None:
    assert marketer.post("/console/audiences/count", data={name: "x"}).status_code == 400


def test_an_audience_is_built_and_counted_without_any_script(
    shop: Shop, marketer: TestClient
) -> None:
    shop.joins("lee", name="Lee Ming")
    shop.joins("kim")
    shop.buys("r-1", "lee", 10_000)
    form = typed(marketer.get(NEW + "new_member_bonus").text) | {"name": "Typed before"}

    page = marketer.post(NEW + "new_member_bonus", data=form | {"act": "add_group"}).text
    form = typed(page) | {"audience.groups.0.rules.0.about": "spend"}
    page = marketer.post(NEW + "new_member_bonus", data=form | {"act": "show"}).text
    form = typed(page) | {
        "audience.groups.0.rules.0.amount": "100.00",
        "audience.groups.0.rules.0.days": "30",
    }
    page = marketer.post(NEW + "new_member_bonus", data=form | {"act": "count"}).text

    assert "<td>lee</td>" in page
    assert "<td>kim</td>" not in page
    assert "Lee Ming" not in page
    answer = marketer.post(NEW + "new_member_bonus", data=typed(page) | {"act": "save"})
    assert answer.status_code == 303
    rules = saved(shop, form["id"])
    assert rules.audience == 'member.spend_within["30"] >= 10000'
    there = shop.services.store.read(lambda tx: tx.campaigns.get(form["id"]))
    assert there is not None
    assert there.name == "Typed before"


def test_groups_and_rules_come_and_go(marketer: TestClient) -> None:
    form = {"audience.match": "all"}
    for act, rules in (("add_group", 1), ("add_rule:0", 2), ("add_group", 3), ("drop_rule:0:0", 2),
                       ("drop_group:0", 1), ("drop_rule:0:0", 0)):  # fmt: skip
        page = marketer.post("/console/audiences/builder", data=form | {"act": act})
        assert page.status_code == 200
        form = typed(page.text)
        assert page.text.count('class="audience-rule"') == rules


def test_a_half_written_rule_is_not_counted_and_not_called_wrong(marketer: TestClient) -> None:
    page = marketer.post("/console/audiences/builder", data={"act": "add_group"}).text

    assert 'class="error"' not in page
    count = marketer.post("/console/audiences/count", data=typed(page)).text
    assert "Not counted" in count


def test_too_many_rules_or_groups_are_said_where_they_stand(marketer: TestClient) -> None:
    """Thirteen rules in the second group, or nine groups: counting and saving say what is wrong."""
    rule = {"about": "points", "op": "at_least", "points": "5"}
    form = typed(marketer.get(NEW + "new_member_bonus").text)

    def with_rules(*groups: int) -> dict[str, str]:
        more = {
            f"audience.groups.{g}.rules.{r}.{name}": value
            for g, rules in enumerate(groups)
            for r in range(rules)
            for name, value in rule.items()
        }
        return form | more

    for sent, said in (
        (with_rules(1, 13), "A group has one to twelve rules."),
        (with_rules(*[1] * 9), "An audience has eight groups at most."),
    ):
        counted = marketer.post("/console/audiences/builder", data=sent | {"act": "count"}).text
        unsaved = marketer.post(NEW + "new_member_bonus", data=sent | {"act": "save"})
        assert unsaved.status_code == 422
        for page in (counted, unsaved.text):
            assert page.count(f"<span>{said}</span>") == 1
        live = marketer.post("/console/audiences/count", data=sent).text
        assert "Not counted: a rule is not filled in yet, or there are too many." in live
        second = counted[counted.index("<legend>Group 2</legend>") :]
        assert (said in second) == ("twelve" in said)


def test_a_draft_is_changed_in_the_same_form(shop: Shop, marketer: TestClient) -> None:
    """It opens as it was saved, audience and all, and becomes the next version."""
    audience = {
        "match": "any",
        "groups": [
            {"rules": [{"about": "tags", "tags": ["vip", "tea"]}]},
            {"rules": [{"about": "spend", "amount_minor": 12_345, "days": 30},
                       {"about": "last_purchase", "op": "never"}]},
        ],
    }  # fmt: skip
    body = {"id": "hello", "name": "Hello", "template": "dormant_wake_up", "audience": audience,
            "budget_points": 5_000}  # fmt: skip
    shop.as_("marketer").post("/v1/campaigns", json=body)

    form = typed(marketer.get("/console/campaigns/hello/edit").text)

    assert form["audience.groups.0.rules.0.tags"] == "vip, tea"
    assert form["audience.groups.1.rules.0.amount"] == "123.45"
    assert form["budget_points"] == "5000"
    same = marketer.post("/console/campaigns/hello/edit", data=form | {"act": "save"})
    assert same.status_code == 303, same.text
    there = shop.services.store.read(lambda tx: tx.campaigns.get("hello"))
    assert there is not None
    assert there.version == 1
    more = form | {"values.dormant_days": "120", "act": "save"}
    assert marketer.post("/console/campaigns/hello/edit", data=more).status_code == 303
    assert saved(shop, "hello").values["dormant_days"] == 120


def test_a_budget_below_what_was_promised_is_said_beside_it(
    shop: Shop, marketer: TestClient
) -> None:
    """In the reader's language; with no less than that it is saved."""
    shop.launches(template="new_member_bonus")
    for member in ("lee", "kim"):
        shop.joins(member)
    form = typed(marketer.get("/console/campaigns/hello/edit").text) | {"act": "save"}
    lower, lowest = (form | {"values.budget_points": n} for n in ("1599", "1600"))
    zh = {"Accept-Language": "zh"}

    said = marketer.post("/console/campaigns/hello/edit", data=lower)
    in_chinese = marketer.post("/console/campaigns/hello/edit", data=lower, headers=zh)

    assert (said.status_code, in_chinese.status_code) == (422, 422)
    assert "Members have been given or promised 1,600 points already." in said.text
    assert "共 1,600 分，预算不能低于此数。" in in_chinese.text
    assert marketer.post("/console/campaigns/hello/edit", data=lowest).status_code == 303
    assert saved(shop, "hello").budget_points == 1600


@pytest.mark.parametrize(
    ("template", "field", "rule", "budget", "why"),
    [
        ("new_member_bonus", "values.budget_points", {"most_points": 50_000}, "60000",
         "This is above what the programme allows one campaign."),
        ("greeting", "budget_points", {"most_points": 50_000}, "60000",
         "This is above what the programme allows one campaign."),
        ("greeting", "budget_points", {"needs_budget": True}, "",
         "The campaign gives points and has no budget; the programme asks for one."),
    ],
)  # fmt: skip
def test_a_budget_that_the_programme_forbids_is_said_beside_it(
    serving: Callable[..., Shop],
    template: str,
    field: str,
    rule: dict[str, Any],
    budget: str,
    why: str,
) -> None:
    """Of a running campaign, wherever its template asks for the budget."""
    asking = CAMPAIGN.replace("budget_points: 1000\n", "")
    greeting = load_texts("greeting", {"campaign.yaml": asking})
    shop = serving(templates=lambda: TEMPLATES | {"greeting": greeting})
    shop.launches(template=template, budget_points=5_000)
    programme = Programme(launch=Launch(**rule))
    object.__setattr__(shop.services, "store", SqlStore(shop.database, shop.clock, programme))
    marketer = shop.signed_in("marketer")
    form = typed(marketer.get("/console/campaigns/hello/edit").text) | {"act": "save"}

    said = marketer.post("/console/campaigns/hello/edit", data=form | {field: budget})

    assert said.status_code == 422
    asked = re.search(rf'<input[^>]*name="{re.escape(field)}"[^>]*>', said.text)
    assert asked is not None
    assert 'aria-invalid="true"' in asked[0]
    assert why in said.text


def test_an_id_that_is_taken_is_said_beside_it(shop: Shop, marketer: TestClient) -> None:
    form = typed(marketer.get(NEW + "new_member_bonus").text) | {"id": "hello", "act": "save"}
    assert marketer.post(NEW + "new_member_bonus", data=form).status_code == 303

    answer = marketer.post(NEW + "new_member_bonus", data=form | {"values.welcome_points": "7"})

    assert answer.status_code == 422
    assert "Another campaign has this id" in answer.text


def test_only_who_plans_campaigns_gets_in(shop: Shop) -> None:
    operator = shop.signed_in("operator")

    for path in ("/console/gallery", NEW + "new_member_bonus", "/console/campaigns/hello/edit"):
        assert operator.get(path).status_code == 403
    for path in ("/console/audiences/builder", "/console/audiences/count"):
        assert operator.post(path, data={}).status_code == 403


def test_chinese_is_complete_on_the_form(marketer: TestClient) -> None:
    page = marketer.get(NEW + "new_member_bonus", headers={"Accept-Language": "zh"}).text

    assert "注册赠送积分" in page
    assert "目标会员" in page
