"""Members merged, erased, given points and corrected over HTTP, as clerks and apps would."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.access import Role
from tests.api.conftest import NOON, Shop, check_in, receipt

MERGER = {"id": "u1", "reason": "same person"}
LONG_AGO = (NOON - timedelta(days=90)).isoformat()


@pytest.fixture
def two(shop: Shop) -> Shop:
    """Lee with ten points and kim without."""
    for name in ("lee", "kim"):
        shop.joins(name, registered_at=LONG_AGO)
    shop.buys("r-1", "lee", 6_700)
    assert _available(shop, "lee") == 10
    return shop


def _available(shop: Shop, member_id: str) -> int:
    answer = shop.as_("operator").get(f"/v1/members/{member_id}/balance")
    return int(answer.json()["available"])


ACTS: tuple[tuple[Role, str, dict[str, Any]], ...] = (
    ("operator", "/v1/members/lee/merge-into/kim", MERGER),
    ("operator", "/v1/members/lee/erase", {"id": "e1", "reason": "asked for it"}),
    ("operator", "/v1/members/lee/adjustments", {"id": "a1", "points": 5, "reason": "apology"}),
    ("integrator", "/v1/members/lee/gifts", {"id": "g1", "to": "kim", "points": 4}),
)


@pytest.mark.parametrize(("role", "path", "body"), ACTS)
def test_the_same_act_twice_is_one_act(
    two: Shop, role: Role, path: str, body: dict[str, Any]
) -> None:
    """201, then 200 with the first answer; the same id with other content is refused."""
    first = two.as_(role).post(path, json=body)
    again = two.as_(role).post(path, json=body)
    changed = {**body, **({"reason": "another"} if "reason" in body else {"points": 3})}
    other = two.as_(role).post(path, json=changed)

    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "replayed": True}
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


@pytest.mark.parametrize(("role", "path", "body"), ACTS)
def test_only_the_right_role_acts(two: Shop, role: Role, path: str, body: dict[str, Any]) -> None:
    """A till merges nobody, an operator gives nobody's points away, a marketer does neither."""
    wrong: Role = "integrator" if role == "operator" else "operator"
    for other in (wrong, "marketer"):
        answer = two.as_(other).post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert _available(two, "lee") == 10
    assert _available(two, "kim") == 0


def test_the_old_id_leads_to_the_survivor(two: Shop) -> None:
    """Whoever still has the old card asks and buys for the person."""
    two.as_("operator").post("/v1/members/lee/merge-into/kim", json=MERGER)

    shown = two.as_("operator").get("/v1/members/lee").json()
    two.buys("r-2", "lee", 6_700)

    assert (shown["id"], shown["purchases"]) == ("kim", 1)
    assert _available(two, "lee") == _available(two, "kim") == 20


def test_a_refused_gift_says_which_rule_and_what_is_left(two: Shop) -> None:
    """A shop's app can tell the member without guessing."""
    two.joins("new")
    body = {"id": "g1", "to": "kim", "points": 1}
    answer = two.as_("integrator").post("/v1/members/new/gifts", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "gift_refused")
    assert answer.json()["facts"]["rule"] == "new_account"

    body = {"id": "g2", "to": "kim", "points": 1_001}
    answer = two.as_("integrator").post("/v1/members/lee/gifts", json=body)
    assert answer.json()["facts"] == {"rule": "sent_monthly", "limit": 1_000, "left": 1_000}


def test_a_correction_is_posted_by_a_second_key(two: Shop) -> None:
    """The operator proposes, the admin approves, and the audit trail names both."""
    body = {"id": "a1", "points": 5, "reason": "apology"}
    two.as_("operator").post("/v1/members/lee/adjustments", json=body)
    alone = two.as_("operator").post("/v1/adjustments/a1/approve")
    assert (alone.status_code, alone.json()["code"]) == (409, "second_person_needed")
    assert _available(two, "lee") == 10

    done = two.as_("admin").post("/v1/adjustments/a1/approve")
    again = two.as_("admin").post("/v1/adjustments/a1/approve")

    assert (done.status_code, again.status_code) == (201, 200)
    assert done.json()["status"] == "approved"
    assert _available(two, "lee") == 15
    unknown = two.as_("admin").post("/v1/adjustments/none/approve")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown")


def test_the_checker_sees_the_queue_and_the_effect_and_may_decline(two: Shop) -> None:
    """What waits is listed with what it would do; whoever proposed it decides nothing."""
    operator, admin = two.as_("operator"), two.as_("admin")
    for number, points in enumerate((5, -40)):
        body = {"id": f"a{number}", "points": points, "reason": "apology"}
        operator.post("/v1/members/lee/adjustments", json=body)

    queue = admin.get("/v1/adjustments", params={"state": "proposed", "limit": 1}).json()
    rest = admin.get("/v1/adjustments", params={"after": queue["next"]}).json()
    assert [row["id"] for row in queue["adjustments"] + rest["adjustments"]] == ["a1", "a0"]
    assert admin.get("/v1/adjustments/a0").json()["effect"] == {
        "available": 10, "available_after": 15, "debt_after": 0, "enough": True,
    }  # fmt: skip
    assert admin.get("/v1/adjustments/a1").json()["effect"]["enough"] is False

    alone = operator.post("/v1/adjustments/a1/decline", json={"reason": "too much"})
    done = admin.post("/v1/adjustments/a1/decline", json={"reason": "too much"})
    late = admin.post("/v1/adjustments/a1/approve")
    assert alone.json()["code"] == "second_person_needed"
    assert (done.status_code, done.json()["status"]) == (201, "declined")
    assert late.json()["code"] == "wrong_state"
    assert admin.get("/v1/adjustments/a1").json()["effect"] is None
    left = admin.get("/v1/adjustments", params={"state": "proposed"}).json()["adjustments"]
    assert [row["id"] for row in left] == ["a0"]
    assert _available(two, "lee") == 10


def test_who_was_erased_is_shown_without_a_person(two: Shop) -> None:
    """The id answers, with figures and nothing else; the till is told that nobody buys under it."""
    two.joins("ann", name="Ann", email="ann@example.com", phone="+86 138 1111 2222")
    answer = two.as_("operator").post(
        "/v1/members/ann/erase", json={"id": "e1", "reason": "asked for it"}
    )
    assert answer.status_code == 201

    shown = two.as_("operator").get("/v1/members/ann").json()
    assert shown["status"] == "erased"
    assert [shown[each] for each in ("name", "email", "phone", "card_no")] == [None] * 4
    refused = two.as_("integrator").post(
        "/v1/members/ann/gifts", json={"id": "g1", "to": "kim", "points": 1}
    )
    assert refused.json()["code"] == "wrong_state"


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        ("integrator", "PUT", "consents", {"consents": [{"channel": "email", "granted": True}]}),
        ("operator", "PUT", "stop-list", {"stop_listed": False, "reason": "called us"}),
        ("operator", "POST", "tier", {"tier": "silver", "reason": "called us"}),
        ("operator", "PATCH", "", {"name": "Lee"}),
    ],
)
def test_nothing_is_noted_of_who_was_erased(
    two: Shop, role: Role, method: str, path: str, body: dict[str, Any]
) -> None:
    """Neither a wish nor a tier makes a person of the id again."""
    two.as_("operator").post("/v1/members/lee/erase", json={"id": "e1", "reason": "asked for it"})

    refused = two.as_(role).request(method, f"/v1/members/lee/{path}".rstrip("/"), json=body)

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    shown = two.as_("operator").get("/v1/members/lee").json()
    assert (shown["consents"], shown["stop_listed"]) == ([], True)


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/purchases", receipt("r-9")), ("/v1/events", check_in())]
)
def test_a_till_can_read_up_why_it_was_refused(two: Shop, path: str, body: dict[str, Any]) -> None:
    """What is answered of an erased member stands in the operation's description."""
    two.as_("operator").post("/v1/members/lee/erase", json={"id": "e1", "reason": "asked for it"})

    refused = two.as_("integrator").post(path, json=body)

    described = two.app.openapi()["paths"][path]["post"]["responses"]
    assert refused.json()["code"] == "wrong_state"
    assert "`wrong_state`" in described[str(refused.status_code)]["description"]
