"""Before a launch, over HTTP: preview, calendar, estimate, the rule and the second person."""

from collections.abc import Callable
from typing import Any

import pytest

from loyalty.journeys.load import load_named
from loyalty.programme import Launch, Programme
from storage.store import SqlStore
from tests.api.conftest import Shop
from tests.stories import TEMPLATES

BONUS = {"id": "bonus", "name": "Bonus", "template": "new_member_bonus"}


@pytest.fixture
def bonus(serving: Callable[..., Shop]) -> Callable[..., Shop]:
    """A shop with a drafted welcome campaign, under launch rules of its own."""

    def made(*, budget: int = 100_000, **rules: Any) -> Shop:
        shop = serving(
            templates=lambda: {n: load_named(TEMPLATES, n) for n in ("new_member_bonus",)}
        )
        programme = Programme(launch=Launch(**rules))
        store = SqlStore(shop.database, shop.clock, programme)
        object.__setattr__(shop.services, "store", store)
        answer = shop.as_("marketer").post("/v1/campaigns", json={**BONUS, "budget_points": budget})
        assert answer.status_code == 201, answer.text
        return shop

    return made


def test_every_message_is_shown_as_it_would_be_sent(bonus: Callable[..., Shop]) -> None:
    """In the member's language, with the figures of their own journey and the gate's word."""
    shop = bonus()
    shop.joins("wu", name="Wu Min", locale="zh", email="wu@example.com")

    answer = shop.as_("marketer").get("/v1/campaigns/bonus/preview", params={"member_id": "wu"})

    assert answer.status_code == 200, answer.text
    shown = {each["message"]: each for each in answer.json()["messages"]}
    assert answer.json()["locale"] == "zh"
    assert set(shown) >= {"welcome", "card_last_days", "card_expired", "first_order_thanks"}
    assert "500" in shown["welcome"]["text"]
    assert shown["welcome"]["problem"] is None
    assert shown["welcome"]["verdicts"] == {
        "inbox": {"verdict": "send", "reason": "allowed", "until": None}
    }
    assert shown["welcome"]["weight"]["sms"]["encoding"] == "ucs2"
    assert shown["first_order_thanks"]["assumed"]["kind"] == "everything"
    # Nobody invited Wu: no assumption leads there, and what is shown are examples; the points are
    # those that the campaign gives.
    assert shown["inviter_reward"]["assumed"] is None
    assert "300" in shown["inviter_reward"]["text"]
    assert "step.points" not in shown["inviter_reward"]["examples"]
    assert shop.as_("operator").get("/v1/runs").json()["runs"] == []


def test_the_calendar_says_when_and_because_of_what(bonus: Callable[..., Shop]) -> None:
    """Points and a card at once, then an order on day three with what it earns by the card."""
    shop = bonus()
    params: dict[str, str | int] = {"assume": "purchase", "day": 3, "minor": 10_000}

    answer = shop.as_("operator").get("/v1/campaigns/bonus/calendar", params=params)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["sample"], body["points"]) == (True, 500)
    kinds = [(row["kind"], row["because"]) for row in body["rows"]]
    assert kinds[:5] == [
        ("act", "opens"), ("entered", "admitted"), ("points", "reached"), ("card", "reached"),
        ("message", "reached"),
    ]  # fmt: skip
    [act] = [row for row in body["rows"] if row["because"] == "assumed"]
    assert act["figures"] == {"type": "purchase", "amount_minor": 10_000, "earned": 20}
    assert body["rows"][-1]["kind"] == "end"


def test_an_estimate_says_reach_points_cost_and_what_speaks_against_it(
    bonus: Callable[..., Shop],
) -> None:
    """Two members in ninety days, ten percent held out, and a budget above the programme's."""
    shop = bonus(budget=100_000, most_points=50_000)
    for id in ("lee", "wu"):
        shop.joins(id)

    body = shop.as_("marketer").get("/v1/campaigns/bonus/estimate").json()

    assert (body["entering"], body["reached"], body["per_days"]) == ("event", 2, 90)
    assert (body["points_per_member"], body["budget_covers"]) == (1_100, 90)
    assert (body["points_most"], body["cost_most_minor"]) == (100_000, 100_000)
    assert (body["points_expected"], body["past_runs"]) == (None, 0)
    assert body["card_multiplier_bp"] == 20_000
    assert body["refusal"]["code"] == "over_budget_rule"
    assert {"channel": "inbox", "purpose": "service", "members": 2} in body["reachable"]


def test_a_launch_over_the_rule_is_refused_over_http(bonus: Callable[..., Shop]) -> None:
    """With the rule and its figures; a smaller budget lets it through."""
    shop, marketer = (here := bonus(most_points=50_000)), here.as_("marketer")

    refused = marketer.post("/v1/campaigns/bonus/launch", json={"version": 1})
    marketer.post("/v1/campaigns/bonus/versions", json={"budget_points": 50_000})
    launched = marketer.post("/v1/campaigns/bonus/launch", json={"version": 2})

    assert (refused.status_code, refused.json()["code"]) == (409, "over_budget_rule")
    assert refused.json()["facts"]["limit"] == 50_000
    assert (launched.status_code, launched.json()["state"]) == (200, "launched")
    acts = shop.as_("operator").get("/v1/audit", params={"target": "bonus"}).json()["acts"]
    assert [act["action"] for act in acts][:1] == ["campaign.launch"]


def test_two_people_launch(bonus: Callable[..., Shop]) -> None:
    """202 and a draft that waits; whoever asked is refused; an admin's word opens it."""
    shop = bonus(second_person=True)
    marketer, admin = shop.as_("marketer"), shop.as_("admin")

    asked = marketer.post("/v1/campaigns/bonus/launch", json={"version": 1})
    own = marketer.post("/v1/campaigns/bonus/approve", json={"version": 1})
    declined = admin.post(
        "/v1/campaigns/bonus/decline", json={"version": 1, "reason": "After the holiday"}
    )
    seen = marketer.get("/v1/campaigns/bonus").json()["launch_request"]
    marketer.post("/v1/campaigns/bonus/launch", json={"version": 1})
    approved = admin.post("/v1/campaigns/bonus/approve", json={"version": 1})

    assert (asked.status_code, asked.json()["state"]) == (202, "draft")
    assert asked.json()["launch_request"]["state"] == "waiting"
    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    assert (declined.status_code, seen["reason"]) == (200, "After the holiday")
    assert (approved.status_code, approved.json()["state"]) == (200, "launched")
    acts = shop.as_("operator").get("/v1/audit", params={"target": "bonus"}).json()["acts"]
    assert [act["action"].partition(".")[2] for act in acts] == [
        "launch", "approve_launch", "request_launch", "decline_launch", "request_launch", "draft",
    ]  # fmt: skip


def test_a_draft_is_decided_on_as_it_was_read(bonus: Callable[..., Shop]) -> None:
    """Changed and asked for anew, it is not what the second person has read; nothing is done."""
    shop = bonus(second_person=True)
    marketer, admin = shop.as_("marketer"), shop.as_("admin")
    marketer.post("/v1/campaigns/bonus/launch", json={"version": 1})
    marketer.post("/v1/campaigns/bonus/versions", json={"budget_points": 5_000_000})

    late = marketer.post("/v1/campaigns/bonus/launch", json={"version": 1})
    marketer.post("/v1/campaigns/bonus/launch", json={"version": 2})
    approved = admin.post("/v1/campaigns/bonus/approve", json={"version": 1})
    declined = admin.post("/v1/campaigns/bonus/decline", json={"version": 1, "reason": "Too dear"})
    unsaid = admin.post("/v1/campaigns/bonus/approve", json={})

    for refused in (late, approved, declined):
        assert (refused.status_code, refused.json()["code"]) == (409, "changed_meanwhile")
        assert refused.json()["facts"] == {"campaign_id": "bonus", "read": 1, "version": 2}
    assert (unsaid.status_code, unsaid.json()["errors"][0]["field"]) == (422, "version")
    seen = marketer.get("/v1/campaigns/bonus").json()
    assert (seen["state"], seen["launch_request"]["state"]) == ("draft", "waiting")
    read = {"version": seen["launch_request"]["version"]}
    assert admin.post("/v1/campaigns/bonus/approve", json=read).json()["state"] == "launched"


def test_copies_versions_and_discarding(bonus: Callable[..., Shop]) -> None:
    """A copy is 201 once and 200 again; versions are compared; a draft can be thrown away."""
    marketer = bonus().as_("marketer")
    marketer.post("/v1/campaigns/bonus/versions", json={"values": {"welcome_points": 600}})
    copy = {"id": "again", "name": "Again"}

    copies = [marketer.post("/v1/campaigns/bonus/duplicate", json=copy) for _ in range(2)]
    versions = marketer.get("/v1/campaigns/bonus/versions").json()["versions"]
    compared = marketer.get("/v1/campaigns/bonus/versions/1/compare/2").json()
    discarded = marketer.post("/v1/campaigns/again/discard")

    assert [each.status_code for each in copies] == [201, 200]
    assert [each["version"] for each in versions] == [2, 1]
    assert versions[0]["values"]["welcome_points"] == 600
    assert {"part": "values", "name": "welcome_points", "before": 500, "after": 600} in (
        compared["differences"]
    )
    assert discarded.json() == {"id": "again", "discarded": True}
    assert marketer.get("/v1/campaigns/again").status_code == 404


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("integrator", "GET", "preview", 403),
        ("integrator", "GET", "calendar", 403),
        ("integrator", "GET", "estimate", 200),
        ("operator", "POST", "approve", 403),
        ("operator", "POST", "discard", 403),
        ("operator", "GET", "versions", 200),
    ],
)
def test_roles_hold(
    bonus: Callable[..., Shop], role: Any, method: str, path: str, status: int
) -> None:
    """Texts and journeys are for those who run campaigns; approving is a marketer's act."""
    answer = bonus().as_(role).request(method, f"/v1/campaigns/bonus/{path}")
    assert answer.status_code == status
