"""Marketers launch, operators look and act, each within their role."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.journeys.turn import take_turn
from tests.api.conftest import Shop

REASON = {"reason": "Wrong price in the shop"}


def test_a_campaign_goes_from_draft_to_stopped(shop: Shop) -> None:
    """Every move is answered with the new state and kept with its reason."""
    marketer, operator = shop.as_("marketer"), shop.as_("operator")
    body = {"id": "hello", "name": "Hello", "template": "greeting", "values": {"points": 80}}
    drafted = marketer.post("/v1/campaigns", json=body)
    again = marketer.post("/v1/campaigns", json=body)

    states = [marketer.post("/v1/campaigns/hello/launch", json={"version": 1}).json()["state"]]
    for move in ("pause", "resume", "stop"):
        states.append(operator.post(f"/v1/campaigns/hello/{move}", json=REASON).json()["state"])

    assert (drafted.status_code, again.status_code) == (201, 200)
    assert states == ["launched", "paused", "launched", "stopped"]
    acts = operator.get("/v1/audit", params={"target": "hello"}).json()["acts"]
    assert [act["action"].partition(".")[2] for act in acts] == [
        "stopped", "launched", "paused", "launch", "draft",
    ]  # fmt: skip
    assert acts[0]["reason"] == REASON["reason"]


def test_a_stopped_campaign_cannot_be_resumed(shop: Shop) -> None:
    """The refusal says which state it is in and which would do."""
    shop.launches()
    shop.as_("operator").post("/v1/campaigns/hello/stop", json=REASON)

    answer = shop.as_("operator").post("/v1/campaigns/hello/resume", json=REASON)

    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert answer.json()["facts"]["state"] == "stopped"


def test_a_running_campaign_is_changed_for_those_who_come(shop: Shop) -> None:
    """Who is in keeps what they were promised; the same values again are no new version."""
    marketer, integrator = shop.as_("marketer"), shop.as_("integrator")
    shop.launches(values={"points": 60})
    for id in ("lee", "wu"):
        shop.joins(id)
    integrator.post("/v1/campaigns/hello/members/lee", json={})

    answers = [
        marketer.post("/v1/campaigns/hello/versions", json={"values": {"points": 80}})
        for _ in range(2)
    ]
    integrator.post("/v1/campaigns/hello/members/wu", json={})

    assert [(each.status_code, each.json()["version"]) for each in answers] == [(200, 2)] * 2
    runs = shop.as_("operator").get("/v1/runs?campaign_id=hello").json()["runs"]
    assert {run["member_id"]: run["version"] for run in runs} == {"lee": 1, "wu": 2}
    assert marketer.get("/v1/campaigns/hello").json()["values"] == {"points": 80}


def test_nobody_changes_what_they_have_not_read(shop: Shop) -> None:
    """Another version by now, or a draft that members meet by now: refused, and said which."""
    marketer = shop.as_("marketer")
    body = {"id": "hello", "name": "Hello", "template": "greeting"}
    assert marketer.post("/v1/campaigns", json=body).status_code == 201

    def changed(points: int, **read: Any) -> Any:
        wish = {"values": {"points": points}, **read}
        return marketer.post("/v1/campaigns/hello/versions", json=wish)

    assert changed(60, version=1, state="draft").json()["version"] == 2
    older = changed(70, version=1, state="draft")
    assert marketer.post("/v1/campaigns/hello/launch", json={"version": 2}).status_code == 200
    as_a_draft = changed(70, version=2, state="draft")

    for refused, state in ((older, "draft"), (as_a_draft, "launched")):
        assert (refused.status_code, refused.json()["code"]) == (409, "changed_meanwhile")
        facts = refused.json()["facts"]
        assert (facts["version"], facts["state"]) == (2, state)
    assert changed(70, version=2, state="launched").json()["version"] == 3


def test_a_budget_is_not_lowered_below_what_members_were_promised(shop: Shop) -> None:
    """The answer says how far it may go, and exactly so far it goes: then nobody else gets in."""
    marketer, integrator = shop.as_("marketer"), shop.as_("integrator")
    shop.launches(values={"points": 60}, budget_points=1000)
    for n in range(5):
        shop.joins(f"m{n}")

    def changed(budget: int) -> Any:
        body = {"values": {"points": 60}, "budget_points": budget}
        return marketer.post("/v1/campaigns/hello/versions", json=body)

    for n in range(4):
        integrator.post(f"/v1/campaigns/hello/members/m{n}", json={})
    low, lowest = changed(239), changed(240)
    last = integrator.post("/v1/campaigns/hello/members/m4", json={}).json()

    assert (low.status_code, low.json()["code"]) == (422, "invalid")
    [said] = low.json()["errors"]
    assert (said["field"], said["code"], said["allowed"]) == (
        "budget_points", "below_promised", ["from 240"],
    )  # fmt: skip
    assert (lowest.status_code, lowest.json()["version"]) == (200, 2)
    assert last["entered"] is False


def test_a_change_is_held_to_the_template_and_to_the_campaigns_state(shop: Shop) -> None:
    """A value out of bounds, a campaign that is over or unknown: each is said as such."""
    marketer = shop.as_("marketer")
    shop.launches()
    wrong = marketer.post("/v1/campaigns/hello/versions", json={"values": {"points": 9999}})
    unknown = marketer.post("/v1/campaigns/none/versions", json={})
    marketer.post("/v1/campaigns/hello/stop", json={"reason": "over"})
    late = marketer.post("/v1/campaigns/hello/versions", json={"values": {"points": 80}})

    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "points")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown")
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")


def test_the_report_counts_who_came_in(shop: Shop) -> None:
    """With the values it runs with, and its figures so far."""
    shop.launches(values={"points": 80})
    for member in ("lee", "han"):
        shop.joins(member)
        shop.as_("integrator").post(f"/v1/campaigns/hello/members/{member}", json={})

    found = shop.as_("marketer").get("/v1/campaigns/hello").json()

    assert found["values"] == {"points": 80}
    assert found["report"]["admitted"] == 2
    assert [each["id"] for each in shop.as_("marketer").get("/v1/campaigns").json()["campaigns"]]


def test_knocking_twice_is_one_entry(shop: Shop) -> None:
    """The same entry key gets the first answer; another one is refused by the campaign's rule."""
    shop.joins()
    shop.launches()
    door = "/v1/campaigns/hello/members/lee"
    integrator = shop.as_("integrator")

    first, again, other = (
        integrator.post(door, json={"entry_key": key}) for key in ("list-1", "list-1", "list-2")
    )

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["run_id"] == again.json()["run_id"] == "j/hello/lee/list-1"
    assert other.json()["entered"] is False
    assert other.json()["why"]


def test_knocking_with_the_old_card_is_the_persons_knock(shop: Shop) -> None:
    """After a merger both ids are one member, whichever of them was let in before."""
    shop.launches()
    for card in ("old", "lee", "older", "kim"):
        shop.joins(card)
    integrator, operator = shop.as_("integrator"), shop.as_("operator")
    door = "/v1/campaigns/hello/members/"
    before = integrator.post(f"{door}older", json={}).json()
    for gone, into in (("old", "lee"), ("older", "kim")):
        body = {"id": gone, "reason": "Two cards of one person"}
        assert operator.post(f"/v1/members/{gone}/merge-into/{into}", json=body).status_code == 201

    first, again = (integrator.post(f"{door}old", json={}) for _ in range(2))
    brought = [integrator.post(f"{door}{card}", json={}) for card in ("older", "kim")]

    assert [each.status_code for each in (first, again, *brought)] == [201, 200, 200, 200]
    assert first.json()["run_id"] == again.json()["run_id"] == "j/hello/lee/api"
    assert [each.json()["run_id"] for each in brought] == [before["run_id"]] * 2
    assert {each.json()["member_id"] for each in brought} == {"kim"}
    assert all(each.json()["why"] for each in (first, again, *brought))


@pytest.mark.parametrize(
    ("language", "expected"), [("zh-CN,zh;q=0.9", "zh"), ("de, en;q=0.5", "en")]
)
def test_a_members_way_is_explained_in_their_language(
    shop: Shop, language: str, expected: str
) -> None:
    """One sentence for each decision, in Chinese or English as asked."""
    shop.joins()
    shop.launches()
    shop.as_("integrator").post("/v1/campaigns/hello/members/lee", json={})

    answer = shop.as_("marketer").get(
        "/v1/campaigns/hello/members/lee/explanation", headers={"Accept-Language": language}
    )

    said = answer.json()
    assert said["language"] == expected
    (decision,) = said["decisions"]
    assert decision["verdict"] == "admitted"
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in decision["sentence"])
    assert chinese == (expected == "zh")


def test_a_run_is_read_without_temporal(shop: Shop) -> None:
    """The database tells what happened; the answer says that Temporal did not."""
    shop.joins()
    shop.launches()
    shop.as_("integrator").post("/v1/campaigns/hello/members/lee", json={})

    found = shop.as_("operator").get("/v1/runs/j/hello/lee/api").json()

    assert found["temporal"]["state"] == "unreachable"
    assert found["next"]["text"] == "It begins as soon as its workflow is started."
    assert [moment["source"] for moment in found["timeline"]] == ["decision"]


def test_a_finished_run_has_nothing_next(shop: Shop) -> None:
    """Its timeline shows the grant, and its points are on the statement."""
    shop.joins()
    shop.launches(values={"points": 80})
    shop.as_("integrator").post("/v1/campaigns/hello/members/lee", json={})
    shop.services.store.run(lambda tx: take_turn(tx, "j/hello/lee/api", 0))

    found = shop.as_("marketer").get("/v1/runs/j/hello/lee/api").json()

    assert (found["state"], found["next"]) == ("ended", None)
    assert "80" in " ".join(moment["text"] for moment in found["timeline"])
    balance = shop.as_("integrator").get("/v1/members/lee/balance").json()
    assert balance["available"] == 80


def test_runs_are_found_by_member_campaign_and_state(shop: Shop) -> None:
    """And paged by id, each once."""
    shop.launches()
    for member in ("han", "lee", "wu"):
        shop.joins(member)
        shop.as_("integrator").post(f"/v1/campaigns/hello/members/{member}", json={})
    operator = shop.as_("operator")

    mine = operator.get("/v1/runs", params={"member_id": "lee"}).json()["runs"]
    page = operator.get("/v1/runs", params={"campaign_id": "hello", "limit": 2}).json()
    rest = operator.get("/v1/runs", params={"after": page["next"], "limit": 2}).json()
    ended = operator.get("/v1/runs", params={"state": "ended"}).json()

    assert [run["id"] for run in mine] == ["j/hello/lee/api"]
    assert [run["member_id"] for run in page["runs"] + rest["runs"]] == ["han", "lee", "wu"]
    assert (rest["next"], ended["runs"]) == (None, [])


def test_a_run_that_nothing_wakes_is_found(shop: Shop) -> None:
    """Its start was sent long ago and nothing came of it."""
    shop.joins()
    shop.launches()
    shop.as_("integrator").post("/v1/campaigns/hello/members/lee", json={})
    with shop.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET sent_at = created_at")
    operator = shop.as_("operator")

    now = operator.get("/v1/runs", params={"stuck": True}).json()["runs"]
    shop.clock.moves(timedelta(hours=1))
    later = operator.get("/v1/runs", params={"stuck": True}).json()["runs"]

    assert (now, [run["id"] for run in later]) == ([], ["j/hello/lee/api"])


def test_an_operator_acts_with_a_reason(shop: Shop) -> None:
    """The command is on the timeline and in the audit trail, under the operator's key."""
    shop.joins()
    shop.launches()
    shop.as_("integrator").post("/v1/campaigns/hello/members/lee", json={})
    operator, run = shop.as_("operator"), "/v1/runs/j/hello/lee/api"

    taken = operator.post(f"{run}/cancel", json=REASON)
    skipped = operator.post(f"{run}/skip", json=REASON)
    silent = operator.post(f"{run}/retry", json={"reason": " "})

    assert (taken.status_code, taken.json()["command"]) == (200, "cancel")
    assert (skipped.status_code, skipped.json()["code"]) == (409, "wrong_state")
    assert silent.status_code == 422
    moments = operator.get(run).json()["timeline"]
    assert next(m["text"] for m in moments if m["source"] == "operator").endswith(REASON["reason"])
    acts = operator.get("/v1/audit", params={"target": "j/hello/lee/api"}).json()["acts"]
    assert [(act["action"], act["reason"]) for act in acts] == [("run.cancel", REASON["reason"])]


def test_templates_say_what_may_be_set(shop: Shop) -> None:
    """Labels in both languages, and a schema that a program can check values against."""
    found = shop.as_("marketer").get("/v1/templates/greeting").json()

    assert found["parameters"]["points"]["label"] == {"en": "Points", "zh": "积分"}
    assert found["parameters_schema"]["properties"]["points"] == {
        "type": "integer", "minimum": 1, "maximum": 500, "default": 50,
        "title": "Points", "description": "What each member gets.",
    }  # fmt: skip
    assert shop.as_("marketer").get("/v1/templates").json()["templates"][0]["name"] == "greeting"
