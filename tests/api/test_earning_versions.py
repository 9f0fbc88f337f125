"""Earning rules over HTTP: read, checked, switched on, refused."""

from datetime import timedelta

from tests.api.conftest import NOON, Shop, receipt

RULES = "base: {minor: 500}\n"
LUXURY = "base: {minor: 100}\ncategory_rates_bp: {luxury: 50000}\n"


def test_a_new_version_is_checked_made_and_then_counts(shop: Shop) -> None:
    """What a marketer does on a Friday, and what the till sees a minute later."""
    marketer = shop.as_("marketer")
    shop.joins()
    checked = marketer.post("/v1/earning-rules/check", json={"text": RULES}).json()
    assert (checked["findings"], checked["above_limit"]) == ([], False)
    assert checked["highest_stack"]["points_per_10000"] == 100

    made = marketer.post("/v1/earning-rules", json={"text": RULES, "after_version": 1})
    assert made.status_code == 201, made.text
    assert (made.json()["version"], made.json()["body"]["base"]["minor"]) == (2, 500)
    again = marketer.post("/v1/earning-rules", json={"text": RULES, "after_version": 1})
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")

    assert shop.buys("r-1")["breakdown"]["rule_version"] == "1"
    shop.clock.moves(timedelta(minutes=1))
    body = receipt("r-2") | {"occurred_at": shop.clock.now().isoformat()}
    answer = shop.as_("integrator").post("/v1/purchases", json=body).json()
    assert (answer["points"], answer["breakdown"]["rule_version"]) == (20, "2")
    listed = marketer.get("/v1/earning-rules").json()
    assert ([each["version"] for each in listed["versions"]], listed["active"]) == ([1, 2], 2)
    shown = marketer.get("/v1/earning-rules/2").json()
    assert shown["highest_stack"]["return_bp"] == 100


def test_a_text_with_mistakes_says_where_they_are(shop: Shop) -> None:
    """As findings when it is checked, as a refusal when it shall count."""
    text = RULES + "rules:\n  - id: weekend\n    when: {weekday: [sat]}\n    bonus_bp: 5000\n"
    marketer = shop.as_("marketer")

    [found] = marketer.post("/v1/earning-rules/check", json={"text": text}).json()["findings"]
    assert (found["line"], found["step"], found["field"]) == (4, "weekend", "when.weekday")
    assert "Did you mean weekdays?" in found["message"]
    refused = marketer.post("/v1/earning-rules", json={"text": text, "after_version": 1})
    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (
        422,
        "earning-rules.yaml:4",
    )


def test_a_rule_without_end_of_days_is_a_finding_and_not_a_failure(shop: Shop) -> None:
    """Whichever way the text comes in: checked, tried on a cart, or switched on."""
    marketer = shop.as_("marketer")
    shop.joins()
    rule = "rules:\n  - id: ever\n    bonus_bp: 5000\n    valid_until: 9999-12-31\n"
    cart = {
        "member_id": "lee",
        "currency": "CNY",
        "lines": [{"sku": "s", "category": "grocery", "net_minor": 10_000}],
    }

    text = {"text": RULES + rule}
    [found] = marketer.post("/v1/earning-rules/check", json=text).json()["findings"]
    assert (found["line"], found["step"], found["field"]) == (5, "ever", "valid_until")
    tried = marketer.post("/v1/earning-rules/quote", json={**text, "cart": cart})
    activated = marketer.post("/v1/earning-rules", json={**text, "after_version": 1})
    assert (tried.status_code, activated.status_code) == (422, 422)


def test_a_stack_above_the_limit_is_refused_until_somebody_says_why(shop: Shop) -> None:
    """25% of the price would come back; the reason is kept."""
    marketer = shop.as_("marketer")
    assert marketer.post("/v1/earning-rules/check", json={"text": LUXURY}).json()["above_limit"]

    wished = {"text": LUXURY, "after_version": 1}
    refused = marketer.post("/v1/earning-rules", json=wished)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "stack_too_high")
    made = marketer.post("/v1/earning-rules", json={**wished, "reason": "Opening week"})
    assert made.status_code == 201
    acts = (
        shop.as_("operator").get("/v1/audit", params={"target": "earning-rules/2"}).json()["acts"]
    )
    assert [(act["action"], act["reason"]) for act in acts] == [
        ("earning_rules.activate", "Opening week")
    ]


def test_only_who_may_change_campaigns_changes_what_is_earned(shop: Shop) -> None:
    """A till may read the rules, to show them, and no more."""
    till = shop.as_("integrator")

    assert till.get("/v1/earning-rules/1").json()["body"]["category_rates_bp"] == {"fresh": 20000}
    assert (
        till.post("/v1/earning-rules", json={"text": RULES, "after_version": 1}).status_code == 403
    )
    assert till.get("/v1/earning-rules/9").status_code == 404


def test_no_version_begins_in_the_past(shop: Shop) -> None:
    """What was posted stays as it was."""
    body = {"text": RULES, "active_from": NOON.isoformat(), "after_version": 1}

    refused = shop.as_("marketer").post("/v1/earning-rules", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "too_soon")


def test_whoever_has_not_seen_the_newest_version_is_refused(shop: Shop) -> None:
    """Else one of two people who write at once would undo what the other did."""
    mia, ada = shop.as_("marketer"), shop.as_("admin")
    body = {"text": RULES, "after_version": 1}
    assert mia.post("/v1/earning-rules", json=body).status_code == 201

    refused = ada.post("/v1/earning-rules", json={"text": LUXURY, "after_version": 1})

    assert (refused.status_code, refused.json()["code"]) == (409, "changed_meanwhile")
    assert refused.json()["facts"]["version"] == 2
    assert len(mia.get("/v1/earning-rules").json()["versions"]) == 2


def test_a_change_that_a_coming_version_will_undo_is_made_knowingly(shop: Shop) -> None:
    """March is planned; what is mended today ends then, and the caller says so."""
    marketer = shop.as_("marketer")
    march = {"text": RULES, "active_from": "2027-03-01T00:00:00+08:00", "after_version": 1}
    assert marketer.post("/v1/earning-rules", json=march).status_code == 201
    today = {"text": "base: {minor: 900}\n", "after_version": 2}

    refused = marketer.post("/v1/earning-rules", json=today)
    [error] = refused.json()["errors"]
    assert (refused.status_code, error["code"]) == (422, "another_is_coming")
    assert (error["field"], error["allowed"]) == ("until_version", ["2"])
    made = marketer.post("/v1/earning-rules", json={**today, "until_version": 2})
    assert (made.status_code, made.json()["version"]) == (201, 3)

    april = {**march, "active_from": "2027-04-01T00:00:00+08:00", "after_version": 3}
    assert marketer.post("/v1/earning-rules", json=april).status_code == 201, "none comes later"


def test_rules_are_tried_on_a_cart_before_they_count(shop: Shop) -> None:
    """What a member would get is known before anybody gets it; what counts now stays as it is."""
    shop.joins()
    cart = {
        "member_id": "lee",
        "currency": "CNY",
        "lines": [{"sku": "s1", "category": "grocery", "net_minor": 10_000}],
    }
    marketer = shop.as_("marketer")
    double = "base: {minor: 500, points: 1}\n"

    tried = marketer.post("/v1/earning-rules/quote", json={"text": double, "cart": cart})

    assert (tried.status_code, tried.json()["points"]) == (200, 20)
    assert marketer.post("/v1/quotes", json=cart).json()["points"] == 15  # Saturday's as ever
    broken = marketer.post("/v1/earning-rules/quote", json={"text": "bass: {}", "cart": cart})
    assert (broken.status_code, broken.json()["errors"][0]["where"]) == (
        422,
        "earning-rules.yaml:1",
    )
