"""Operators find what needs a hand over HTTP, and have it mended one by one or in bulk."""

from datetime import timedelta
from typing import Any

import pytest

from bootstrap.repairing import Repairer
from storage import tables
from tests.api.conftest import Shop, check_in, receipt
from tests.storage.rows import message, put

REASON = {"reason": "mail server is back"}


def does_all(shop: Shop) -> None:
    """What the relay does meanwhile."""
    repairer = Repairer(shop.services.store)
    for _ in range(50):
        shop.clock.moves(timedelta(minutes=1))
        while repairer.carry_next():
            pass


def counts(shop: Shop) -> dict[str, Any]:
    lists = shop.as_("operator").get("/v1/repairs").json()["lists"]
    return {each["list"]: each["count"] for each in lists if each["count"] != 0}


def job(id: str, list: str, act: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "list": list, "act": act, **REASON, "pace": 600, **more}


def test_temporal_away_is_said_and_the_rest_is_counted(shop: Shop) -> None:
    """No count is better than a wrong zero."""
    assert counts(shop) == {"failing_runs": None}
    page = shop.as_("operator").get("/v1/repairs/failing_runs").json()
    assert (page["things"], page["answered"]) == ([], False)


@pytest.mark.parametrize("batch", [False, True])
def test_a_refused_event_is_kept_and_replayed(shop: Shop, batch: bool) -> None:
    """A receipt came before its member: once the member is there, one act records it."""
    till, operator = shop.as_("integrator"), shop.as_("operator")
    if batch:
        events = [{**receipt(), "type": "purchase"}, check_in(), {"type": "check_in"}]
        till.post("/v1/events", json={"events": events})
    else:
        till.post("/v1/purchases", json=receipt())
        till.post("/v1/events", json=check_in())
    shown = operator.get("/v1/repairs/refused_events").json()["things"]
    assert {each["target"] for each in shown} == {"till-1/r-1", "app/c-1"}
    assert {each["detail"].partition(":")[0] for each in shown} == {"unknown"}

    shop.joins("lee")
    body = job("fix-1", "refused_events", "replay", all={"member_id": "lee"})
    started = operator.post("/v1/repairs/jobs", json=body)
    assert (started.status_code, started.json()["total"]) == (201, 2)
    does_all(shop)

    done = operator.get("/v1/repairs/jobs/fix-1").json()
    assert (done["state"], done["done"], done["failed"]) == ("done", 2, 0)
    assert {each["outcome"] for each in done["items"]} == {"recorded"}
    assert counts(shop) == {"failing_runs": None}
    assert operator.get("/v1/members/lee/balance").json()["available"] == 15
    acts = operator.get("/v1/audit", params={"target": "till-1/r-1"}).json()["acts"]
    assert [(act["action"], act["reason"]) for act in acts] == [("repair.replay", REASON["reason"])]


def test_what_was_recorded_or_named_nothing_is_not_kept(shop: Shop) -> None:
    """Repeats are answered, not refused; a body without an id could not be found again."""
    shop.joins("lee")
    till = shop.as_("integrator")
    for _ in range(2):
        till.post("/v1/events", json=check_in())
        till.post("/v1/events", json={"events": [check_in()]})
    till.post("/v1/events", json={"type": "check_in"})
    till.post("/v1/events", json={"events": []})
    shop.as_("marketer").post("/v1/purchases", json=receipt(member_id="nobody"))

    assert counts(shop) == {"failing_runs": None}


def test_the_same_id_with_other_content_waits_for_a_person(shop: Shop) -> None:
    """Rule 14: never a silent yes; an operator looks and sets it aside."""
    shop.joins("lee")
    shop.buys("r-1")
    shop.as_("integrator").post("/v1/purchases", json=receipt("r-1", minor=999))
    operator = shop.as_("operator")
    [shown] = operator.get("/v1/repairs/refused_events").json()["things"]
    assert shown["detail"].startswith("key_reused")

    body = job("fix-1", "refused_events", "set_aside", targets=[shown["target"]])
    operator.post("/v1/repairs/jobs", json=body)
    does_all(shop)

    assert operator.get("/v1/repairs/refused_events").json()["things"] == []


def test_a_job_is_started_once_read_in_pages_and_stopped(shop: Shop) -> None:
    """The same body gets the first answer; the rest of a stopped job is left alone."""
    operator = shop.as_("operator")
    for number in range(5):
        row = message(f"m{number}", status="failed", due_at=shop.clock.now())
        put(shop.database, tables.messages, row)
    body = job("fix-1", "failed_messages", "resend", all={}, pace=1)

    first, again = (operator.post("/v1/repairs/jobs", json=body) for _ in range(2))
    other = operator.post("/v1/repairs/jobs", json={**body, "pace": 2})
    assert (first.status_code, again.status_code) == (201, 200)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")

    Repairer(shop.services.store).carry_next()
    stopped = operator.post("/v1/repairs/jobs/fix-1/stop", json={"reason": "too many"})
    assert (stopped.status_code, stopped.json()["state"]) == (200, "stopped")
    page = operator.get("/v1/repairs/jobs/fix-1", params={"limit": 2}).json()
    rest = operator.get("/v1/repairs/jobs/fix-1", params={"after": page["next"]}).json()
    states = [each["state"] for each in page["items"] + rest["items"]]
    assert states == ["done", *["waiting"] * 4]
    assert [each["id"] for each in operator.get("/v1/repairs/jobs").json()["jobs"]] == ["fix-1"]
    assert operator.get("/v1/repairs/jobs/none").json()["code"] == "unknown"


def test_jobs_are_read_in_pages(shop: Shop) -> None:
    """Each once, newest first, also where several began at one instant."""
    operator = shop.as_("operator")
    for number in range(5):
        if number == 3:
            shop.clock.moves(timedelta(minutes=1))
        body = job(f"fix-{number}", "failed_messages", "resend", targets=["m1"])
        assert operator.post("/v1/repairs/jobs", json=body).status_code == 201
    seen, after = [], ""
    while after is not None:
        asked: dict[str, str | int] = {"limit": 2, "after": after}
        page = operator.get("/v1/repairs/jobs", params=asked).json()
        seen += [each["id"] for each in page["jobs"]]
        after = page["next"]

    assert seen == ["fix-3", "fix-4", "fix-0", "fix-1", "fix-2"]


def test_a_list_is_read_in_pages(shop: Shop) -> None:
    """Each thing once, oldest first."""
    operator = shop.as_("operator")
    for number in range(5):
        due = shop.clock.now() - timedelta(hours=number // 2)
        put(shop.database, tables.messages, message(f"m{number}", status="failed", due_at=due))
    seen, after = [], ""
    while after is not None:
        asked: dict[str, str | int] = {"limit": 2, "after": after}
        page = operator.get("/v1/repairs/failed_messages", params=asked).json()
        seen += [each["target"] for each in page["things"]]
        after = page["next"]

    assert seen == ["m4", "m2", "m3", "m0", "m1"]


@pytest.mark.parametrize("name", ["failed_messages", "stuck_runs", "parked_rows", "late_events"])
@pytest.mark.parametrize(
    "after",
    [
        "later",
        "2026-10-03T04:00:00 m1",  # of no zone
        "2026-10-03T04:00:00+00:00",
        "0001-01-01T00:00:00+14:00 m1",
        "9999-12-31T23:59:59-14:00 m1",
    ],
)
def test_a_cursor_of_ones_own_making_is_refused(shop: Shop, name: str, after: str) -> None:
    bad = shop.as_("operator").get(f"/v1/repairs/{name}", params={"after": after})

    assert (bad.status_code, bad.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "wrong",
    [
        {"act": "skip"},
        {"all": {}, "targets": ["x"]},
        {"targets": None},
        {"pace": 0},
        {"reason": ""},
        {"list": "everything"},
    ],
)
def test_a_job_that_makes_no_sense_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    """Nothing is put in line."""
    body = job("fix-1", "failed_messages", "resend", targets=["m1"]) | wrong
    answer = shop.as_("operator").post("/v1/repairs/jobs", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert shop.as_("operator").get("/v1/repairs/jobs").json()["jobs"] == []
