"""Shops tell what happened, as often as their networks make them."""

import threading
from concurrent.futures import ThreadPoolExecutor

from loyalty.access import Role
from tests.api.conftest import Shop, check_in, receipt


def test_a_receipt_is_credited_once_however_often_it_is_sent(shop: Shop) -> None:
    """The first answer is 201; the same receipt again is 200 with the same figures."""
    shop.joins()

    first = shop.as_("integrator").post("/v1/purchases", json=receipt())
    again = shop.as_("integrator").post("/v1/purchases", json=receipt())

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert first.json()["points"] == 15  # 100.00 at one for ten, half as much again on Saturdays
    assert {**first.json(), "replayed": True} == again.json()
    balance = shop.as_("integrator").get("/v1/members/lee/balance").json()
    assert balance["available"] == 15
    assert [each["points"] for each in balance["expiring"]] == [15]


def test_the_same_id_with_another_amount_is_refused(shop: Shop) -> None:
    """A key that comes back with other content is an error, never a silent yes."""
    shop.joins()
    shop.buys("r-1", minor=10_000)

    other = shop.as_("integrator").post("/v1/purchases", json=receipt("r-1", minor=20_000))

    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert shop.as_("integrator").get("/v1/members/lee/balance").json()["posted"] == 15


def test_who_returns_more_than_was_bought_is_told_how_many_are_left(shop: Shop) -> None:
    """The till reads which of its lines it is, and how many of it can still come back."""
    shop.joins()
    shop.buys("r-1")
    refund = {
        "source": "till-1", "id": "f-1", "purchase_id": "r-1",
        "occurred_at": receipt()["occurred_at"], "lines": [{"line": 1, "quantity": 9}],
    }  # fmt: skip

    refused = shop.as_("integrator").post("/v1/refunds", json=refund)

    assert refused.status_code == 422
    error = refused.json()["errors"][0]
    assert (error["field"], error["code"]) == ("lines.0", "too_many")
    assert error["message"] == "only 1 left to return"


def test_who_returns_at_another_till_is_told_how_to_name_the_receipts_own(shop: Shop) -> None:
    """The receipt is not lost: it was looked for under the till that takes the goods back."""
    shop.joins()
    shop.buys("r-1")
    refund = {
        "source": "till-2", "id": "f-1", "purchase_id": "r-1",
        "occurred_at": receipt()["occurred_at"],
    }  # fmt: skip

    refused = shop.as_("integrator").post("/v1/refunds", json=refund)

    assert (refused.status_code, refused.json()["code"]) == (404, "unknown")
    assert "'till-2'" in refused.json()["detail"]
    assert "purchase_source" in refused.json()["detail"]
    named = shop.as_("integrator").post("/v1/refunds", json=refund | {"purchase_source": "till-1"})
    assert (named.status_code, named.json()["points_reversed"]) == (201, 15)


def test_goods_do_not_come_back_before_they_were_bought(shop: Shop) -> None:
    """A wrong date is said: the limits of that day would be given back instead of this one's."""
    shop.joins()
    shop.buys("r-1")
    refund = {
        "source": "till-1", "id": "f-1", "purchase_id": "r-1",
        "occurred_at": "2026-01-03T10:00:00+08:00",
    }  # fmt: skip

    refused = shop.as_("integrator").post("/v1/refunds", json=refund)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    error = refused.json()["errors"][0]
    assert (error["field"], error["code"]) == ("occurred_at", "too_early")


def test_two_tills_sending_the_same_receipt_at_once_credit_it_once(shop: Shop) -> None:
    """One of them recorded it, the others are told so."""
    shop.joins()
    start = threading.Barrier(4)

    def send(_: int) -> int:
        start.wait()
        return shop.as_("integrator").post("/v1/purchases", json=receipt()).status_code

    shop.as_("integrator")
    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(send, range(4)))

    assert codes == [200, 200, 200, 201]
    assert shop.as_("integrator").get("/v1/members/lee/balance").json()["posted"] == 15


def test_a_member_joins_once(shop: Shop) -> None:
    """The same registration again is a repeat; with another e-mail it is refused."""
    integrator = shop.as_("integrator")
    lee = {"id": "lee", "email": "lee@example.com"}

    codes = [integrator.post("/v1/members", json=lee).status_code for _ in range(2)]
    other = integrator.post("/v1/members", json={**lee, "email": "other@example.com"})

    assert codes == [201, 200]
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")


def test_one_bad_event_never_costs_the_others_of_its_batch(shop: Shop) -> None:
    """Each of a batch is recorded or refused for itself, and the answer keeps their order."""
    shop.joins()
    shop.buys("r-0")
    batch = [
        check_in("c-1"),
        {**check_in("c-2"), "member_id": "nobody"},
        {"type": "purchase", **receipt("r-1")},
        {**check_in("c-3"), "occurred_at": "yesterday"},
        {"type": "purchase", **receipt("r-0", minor=1)},
        {"type": "refund", "source": "till-1", "id": "f-1", "purchase_id": "r-1",
         "occurred_at": "2026-10-03T11:00:00+08:00"},
        check_in("c-1"),
        "not an event",
    ]  # fmt: skip

    answer = shop.as_("integrator").post("/v1/events", json={"events": batch})

    body = answer.json()
    assert answer.status_code == 200
    assert [each["status"] for each in body["results"]] == [201, 404, 201, 422, 409, 201, 200, 422]
    assert [body[name] for name in ("recorded", "replayed", "refused")] == [3, 1, 4]
    assert body["results"][3]["problem"]["errors"][0]["field"] == "occurred_at"
    assert body["results"][2]["answer"]["points"] == 15
    assert body["results"][5]["answer"]["points_reversed"] == 15


def test_a_batch_has_at_most_a_thousand_events(shop: Shop) -> None:
    """A longer one is refused whole, before anything of it is recorded."""
    shop.joins()
    events = [check_in(f"c-{n}") for n in range(1001)]

    answer = shop.as_("integrator").post("/v1/events", json={"events": events})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["allowed"] == {"min_length": 1, "max_length": 1000}


def test_a_full_batch_of_receipts_fits(shop: Shop) -> None:
    """A thousand check-ins, well above one mebibyte, come in with one request."""
    shop.joins()
    pad = {f"a{n}": "x" * 250 for n in range(5)}
    events = [{**check_in(f"c-{n}"), "attributes": pad} for n in range(1000)]

    answer = shop.as_("integrator").post("/v1/events", json={"events": events})

    assert (answer.status_code, answer.json()["recorded"]) == (200, 1000)


def test_consents_change_at_once_and_leave_a_trace(shop: Shop) -> None:
    """What a member says counts from now on; what they did not mention stays."""
    shop.joins(consents=[{"channel": "inbox", "purpose": "marketing", "granted": True}])
    said = [{"channel": "email", "purpose": "marketing", "granted": False}]

    answer = shop.as_("integrator").put("/v1/members/lee/consents", json={"consents": said})

    assert answer.status_code == 200
    stands = {each["channel"]: each["granted"] for each in answer.json()["consents"]}
    assert stands == {"email": False, "inbox": True}
    acts = shop.as_("operator").get("/v1/audit", params={"target": "lee"}).json()["acts"]
    assert [act["action"] for act in acts] == ["member.consents"]
    assert acts[0]["actor"].startswith("key-")


def test_who_wants_to_hear_nothing_is_put_on_the_stop_list(shop: Shop) -> None:
    """By the shop's app or by whoever answers the telephone; with a reason, and back again."""
    shop.joins()
    said: list[tuple[Role, bool]] = [("operator", True), ("integrator", False)]
    for role, stopped in said:
        body = {"stop_listed": stopped, "reason": "Asked for it by phone"}
        answer = shop.as_(role).put("/v1/members/lee/stop-list", json=body)
        assert (answer.status_code, answer.json()["stop_listed"]) == (200, stopped)
        assert shop.as_(role).get("/v1/members/lee").json()["stop_listed"] is stopped

    without = shop.as_("operator").put("/v1/members/lee/stop-list", json={"stop_listed": True})
    acts = shop.as_("operator").get("/v1/audit?target=lee").json()["acts"]

    assert without.status_code == 422
    assert [(act["action"], act["detail"]["stop_listed"]) for act in acts] == [
        ("member.stop_list", False),
        ("member.stop_list", True),
    ]


def test_a_statement_pages_without_gaps(shop: Shop) -> None:
    """Every line once, newest first, and each movement can be read with its working."""
    shop.joins()
    for n in range(5):
        shop.buys(f"r-{n}", minor=10_000 * (n + 1))
    reader = shop.as_("integrator")

    seen, before = [], None
    while True:
        query = {"limit": 2} | ({"before": before} if before else {})
        page = reader.get("/v1/members/lee/statement", params=query).json()
        seen += page["lines"]
        if (before := page["next"]) is None:
            break

    assert [line["seq"] for line in seen] == [5, 4, 3, 2, 1]
    assert [line["amount"] for line in seen] == [75, 60, 45, 30, 15]
    moved = reader.get(f"/v1/transactions/{seen[0]['key']}").json()
    assert moved["meta"]["breakdown"]["points"] == 75
    [entry] = moved["entries"]
    assert (entry["contra"], entry["amount"], entry["balance"]) == ("issuance", 75, 225)
