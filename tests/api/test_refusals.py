"""Every wrong input gets a clear problem: what it was, where, and what would be right."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy.exc import OperationalError

import loyalty
from api.problem_kinds import KINDS
from loyalty.errors import LoyaltyError
from tests.api.conftest import Shop, check_in, receipt

DRAFT = {"id": "hello", "name": "Hello", "template": "greeting", "values": {}}

# what is wrong, role, method, path, body, status, code, field at fault
WRONG: list[tuple[str, Any, str, str, Any, int, str, str | None]] = [
    ("unknown template", "marketer", "POST", "/v1/campaigns", {**DRAFT, "template": "nope"},
     404, "unknown", None),
    ("unknown template, read", "marketer", "GET", "/v1/templates/nope", None, 404, "unknown", None),
    ("value out of bounds", "marketer", "POST", "/v1/campaigns",
     {**DRAFT, "values": {"points": 501}}, 422, "invalid", "points"),
    ("value of another kind", "marketer", "POST", "/v1/campaigns",
     {**DRAFT, "values": {"points": "many"}}, 422, "invalid", "points"),
    ("unknown parameter", "marketer", "POST", "/v1/campaigns",
     {**DRAFT, "values": {"pionts": 5}}, 422, "invalid", "pionts"),
    ("broken condition", "marketer", "POST", "/v1/campaigns",
     {**DRAFT, "audience": "member.points > 'ten'"}, 422, "invalid", "audience"),
    ("misspelt name in a condition", "marketer", "POST", "/v1/campaigns",
     {**DRAFT, "audience": "member.pionts > 10"}, 422, "invalid", "audience"),
    ("bad date", "integrator", "POST", "/v1/purchases",
     {**receipt(), "occurred_at": "2026-02-30T10:00:00+08:00"}, 422, "invalid", "occurred_at"),
    ("date without offset", "integrator", "POST", "/v1/purchases",
     {**receipt(), "occurred_at": "2026-02-03T10:00:00"}, 422, "invalid", "occurred_at"),
    ("date in the future", "integrator", "POST", "/v1/purchases",
     {**receipt(), "occurred_at": "2027-02-03T10:00:00+08:00"}, 422, "invalid", "occurred_at"),
    ("unknown member buys", "integrator", "POST", "/v1/purchases", receipt(member_id="nobody"),
     404, "unknown", None),
    ("unknown member, read", "integrator", "GET", "/v1/members/nobody", None, 404, "unknown", None),
    ("unknown member's balance", "integrator", "GET", "/v1/members/nobody/balance", None,
     404, "unknown", None),
    ("unknown member's statement", "integrator", "GET", "/v1/members/nobody/statement", None,
     404, "unknown", None),
    ("unknown member's inbox", "integrator", "GET", "/v1/members/nobody/inbox", None,
     404, "unknown", None),
    ("unknown purchase refunded", "integrator", "POST", "/v1/refunds",
     {"source": "till-1", "id": "f1", "purchase_id": "nope",
      "occurred_at": "2026-10-03T10:00:00+08:00"}, 404, "unknown", None),
    ("purchase in our own name", "integrator", "POST", "/v1/purchases",
     {**receipt(), "source": "milepost"}, 422, "invalid", "source"),
    ("refund in our own name", "integrator", "POST", "/v1/refunds",
     {"source": "milepost", "id": "f1", "purchase_id": "r-1",
      "occurred_at": "2026-10-03T10:00:00+08:00"}, 422, "invalid", "source"),
    ("event in our own name", "integrator", "POST", "/v1/events",
     {**check_in(), "source": "milepost"}, 422, "invalid", "source"),
    ("undeclared event type", "integrator", "POST", "/v1/events",
     {**check_in(), "type": "moon_landing"}, 422, "invalid", "type"),
    ("other currency", "integrator", "POST", "/v1/purchases", {**receipt(), "currency": "EUR"},
     422, "invalid", "currency"),
    ("more points than the receipt", "integrator", "POST", "/v1/purchases",
     {**receipt(), "paid_with_points_minor": 10**9}, 422, "invalid", "paid_with_points_minor"),
    ("merged into oneself", "operator", "POST", "/v1/members/lee/merge-into/lee",
     {"id": "u1", "reason": "test"}, 422, "invalid", "other_id"),
    ("points in half a step", "integrator", "POST", "/v1/quotes",
     {"member_id": "lee", "currency": "CNY", "burn_points": 150,
      "lines": [{"sku": "s", "category": "grocery", "net_minor": 50_000}]},
     422, "invalid", "burn_points"),
    ("phone of dashes", "integrator", "POST", "/v1/members", {"id": "wu", "phone": "-----"},
     422, "invalid", "phone"),
    ("phone of brackets at the till", "integrator", "POST", "/v1/till/holds",
     {"source": "till-1", "id": "h-1", "phone": "+((  )", "currency": "CNY",
      "lines": [{"sku": "s", "category": "grocery", "net_minor": 50_000}]},
     422, "invalid", "phone"),
    ("amount below zero", "integrator", "POST", "/v1/purchases", receipt(minor=-1),
     422, "invalid", "lines.0.net_minor"),
    ("fraction of a cent", "integrator", "POST", "/v1/purchases",
     {**receipt(), "lines": [{"sku": "s", "category": "c", "net_minor": 10.5}]},
     422, "invalid", "lines.0.net_minor"),
    ("field nobody knows", "integrator", "POST", "/v1/purchases", {**receipt(), "tip": 3},
     422, "invalid", "tip"),
    ("phone number as id", "integrator", "POST", "/v1/members", {"id": "13800138000"},
     422, "invalid", "id"),
    ("unknown time zone", "integrator", "POST", "/v1/members",
     {"id": "wu", "time_zone": "Mars/Olympus"}, 422, "invalid", "time_zone"),
    ("unknown inviter", "integrator", "POST", "/v1/members", {"id": "wu", "invited_by": "ghost"},
     422, "invalid", "invited_by"),
    ("text with NUL", "integrator", "POST", "/v1/members", {"id": "wu", "name": "a\x00b"},
     400, "malformed", None),
    ("page too long", "integrator", "GET", "/v1/members/lee/statement?limit=5000", None,
     422, "invalid", "limit"),
    ("unknown state to search", "operator", "GET", "/v1/runs?state=happy", None,
     422, "invalid", "state"),
    ("misspelt filter", "operator", "GET", "/v1/runs?membre_id=lee", None,
     422, "invalid", "membre_id"),
    ("unknown run", "operator", "GET", "/v1/runs/j/no/such/run", None, 404, "unknown", None),
    ("unknown run cancelled", "operator", "POST", "/v1/runs/j/no/such/run/cancel",
     {"reason": "test"}, 404, "unknown", None),
    ("act without a reason", "operator", "POST", "/v1/campaigns/none/pause", {},
     422, "invalid", "reason"),
    ("unknown campaign", "marketer", "POST", "/v1/campaigns/none/launch", {"version": 1},
     404, "unknown", None),
    ("unknown campaign, explained", "marketer", "GET",
     "/v1/campaigns/none/members/lee/explanation", None, 404, "unknown", None),
    ("unknown offer", "integrator", "POST", "/v1/exchanges",
     {"request_id": "q-1", "campaign_id": "none", "member_id": "lee"}, 404, "unknown", None),
    ("unknown claim", "integrator", "POST", "/v1/exchanges/none/q-1/confirm", None,
     404, "unknown", None),
    ("unknown transaction", "operator", "GET", "/v1/transactions/purchase:x:y", None,
     404, "unknown", None),
    ("unknown message", "operator", "POST", "/v1/messages/none/resend", {"reason": "test"},
     404, "unknown", None),
    ("message of somebody else", "integrator", "POST", "/v1/members/lee/inbox/none/read", None,
     404, "unknown", None),
    ("sealed with a foreign key", "operator", "POST", "/codec/decode",
     {"payloads": [{"metadata": {"encoding": "YmluYXJ5L2VuY3J5cHRlZA==", "key-id": "eA=="},
                    "data": "AAAA"}]}, 400, "malformed", None),
    ("no such address", "operator", "GET", "/v1/nothing", None, 404, "no_such_path", None),
    ("no such method", "operator", "DELETE", "/v1/runs", None, 405, "method_not_allowed", None),
    ("wrong role", "integrator", "POST", "/v1/campaigns", DRAFT, 403, "forbidden", None),
    ("operator drafts", "operator", "POST", "/v1/campaigns", DRAFT, 403, "forbidden", None),
    ("marketer cancels a run", "marketer", "POST", "/v1/runs/j/a/b/c/cancel", {"reason": "x"},
     403, "forbidden", None),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=[each[0] for each in WRONG])
def test_wrong_input_gets_a_clear_problem(shop: Shop, wrong: tuple[Any, ...]) -> None:
    """A stable code, the field at fault, and nothing changed."""
    _, role, method, path, body, status, code, field = wrong
    shop.joins()

    answer = shop.as_(role).request(method, path, json=body)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{code}"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert problem["detail"]
    if field is not None:
        assert field in [each["field"] for each in problem["errors"]]


def test_nobody_foresees_what_an_erased_member_would_buy(shop: Shop) -> None:
    """Who is no member any more does nothing on paper either; the document says so."""
    shop.joins()
    shop.launches()
    erasure = {"id": "e1", "reason": "asked"}
    assert shop.as_("operator").post("/v1/members/lee/erase", json=erasure).status_code == 201

    marketer = shop.as_("marketer")
    played = marketer.get("/v1/campaigns/hello/calendar?member_id=lee&assume=purchase")
    body = {"member_id": "lee", "assumed": {"kind": "purchase"}}
    tried = marketer.post("/v1/templates/greeting/try", json=body)

    documented = marketer.get("/openapi.json").json()["paths"]
    for answer, path, verb in (
        (played, "/v1/campaigns/{campaign_id}/calendar", "get"),
        (tried, "/v1/templates/{name}/try", "post"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
        assert "409" in documented[path][verb]["responses"]


def test_no_key_and_a_wrong_key_are_told_apart(shop: Shop) -> None:
    """Both are 401 and say how to authenticate; neither learns anything else."""
    without = shop.stranger.get("/v1/members/lee")
    wrong = shop.stranger.get("/v1/members/lee", headers={"Authorization": "Bearer mp_a_b"})

    assert (without.status_code, wrong.status_code) == (401, 401)
    assert without.headers["WWW-Authenticate"].startswith("Bearer")
    assert without.json()["detail"] != wrong.json()["detail"]


def test_the_wrong_role_is_told_which_one_is_needed(shop: Shop) -> None:
    """403 names the roles that may, so that somebody can ask for the right key."""
    answer = shop.as_("integrator").post("/v1/campaigns/hello/launch", json={"version": 1})

    assert answer.json()["facts"] == {"needs": ["marketer", "admin"], "role": "integrator"}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large_is_refused(shop: Shop, chunked: bool) -> None:
    """Above one mebibyte nothing is read, with and without a declared length."""
    body = b'{"id": "' + b"x" * (1 << 20) + b'"}'
    content: Any = iter([body[:1000], body[1000:]]) if chunked else body

    answer = shop.as_("integrator").post(
        "/v1/members", content=content, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_batch_too_large_is_refused(shop: Shop) -> None:
    """Batches may have four mebibytes, and not more."""
    answer = shop.as_("integrator").post(
        "/v1/events", content=b" " * (4 << 20) + b"{}", headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{broken", "application/json", 400, "malformed"),
        (b"\xff\xfe", "application/json", 400, "malformed"),
        (b"[" * 200_000, "application/json", 400, "malformed"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"", "application/json", 422, "invalid"),
        (b"[]", "application/json", 422, "invalid"),
        (b'{"id": NaN}', "application/json", 422, "invalid"),
        (b'{"id": ' + b"9" * 5000 + b"}", "application/json", 400, "malformed"),
        (b'{"id": "\\ud800"}', "application/json", 400, "malformed"),
    ],
)
def test_what_is_not_json_is_refused(
    shop: Shop, body: bytes, kind: str, status: int, code: str
) -> None:
    """Broken, foreign, empty or absurdly deep: each gets its own answer, none a failure."""
    answer = shop.as_("integrator").post(
        "/v1/members", content=body, headers={"Content-Type": kind}
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_address_with_nul_is_refused(shop: Shop) -> None:
    """No id has one, and PostgreSQL could not keep it."""
    for path in ("/v1/members/a%00b", "/v1/audit?target=a%00b"):
        assert shop.as_("operator").get(path).json()["code"] == "malformed"


def test_no_value_is_ever_repeated_in_a_refusal(shop: Shop) -> None:
    """What was sent may be personal: a problem names the field, not its content."""
    answer = shop.as_("integrator").post(
        "/v1/members", json={"id": "wu", "email": "wu at example", "phone": "call me"}
    )

    assert {each["field"] for each in answer.json()["errors"]} == {"email", "phone"}
    assert "wu at example" not in answer.text
    assert "call me" not in answer.text


def test_a_failure_of_ours_says_nothing_of_the_inside(serving: Callable[..., Shop]) -> None:
    """500 with a request id for the log, and not one word about what went wrong."""
    shop = serving()
    router = APIRouter()

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is swordfish")

    shop.app.include_router(router)
    answer = shop.stranger.get("/broken")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "swordfish" not in answer.text


class Away:
    """A database that does not answer."""

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT secret", {}, Exception("connection refused"))

    find = run = read = submit = _raise


def test_while_the_database_is_away_callers_are_told_to_come_back(
    serving: Callable[..., Shop],
) -> None:
    """503 with Retry-After; a batch says so for each of its events."""
    shop = serving(store=Away())

    one = shop.as_("integrator").post("/v1/purchases", json=receipt())
    batch = shop.as_("integrator").post("/v1/events", json={"events": [check_in(), check_in("2")]})

    assert (one.status_code, one.json()["code"]) == (503, "unavailable")
    assert one.headers["Retry-After"]
    assert "secret" not in one.text
    assert [each["status"] for each in batch.json()["results"]] == [503, 503]


def test_without_a_database_no_key_can_be_checked(serving: Callable[..., Shop]) -> None:
    """Not knowing a key is no reason to call it wrong."""
    shop = serving(keys=Away())

    answer = shop.stranger.get("/v1/runs", headers={"Authorization": "Bearer mp_a_b"})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def _all_refusals(kind: type[LoyaltyError] = LoyaltyError) -> set[type[LoyaltyError]]:
    below = {found for each in kind.__subclasses__() for found in _all_refusals(each)}
    return {kind} | below


def test_every_refusal_of_the_domain_has_its_page() -> None:
    """Each code has a status and an explanation in both languages."""
    import importlib
    import pkgutil

    for module in pkgutil.walk_packages(loyalty.__path__, "loyalty."):
        importlib.import_module(module.name)
    # The console has refusals of its own, which are pages and no problem answers.
    of_the_domain = [k for k in _all_refusals() if k.__module__.startswith("loyalty.")]
    codes = {kind.code for kind in of_the_domain}

    assert codes <= set(KINDS), codes - set(KINDS)
    for kind in KINDS.values():
        assert set(kind.title) == set(kind.help) == {"en", "zh"}


def test_a_problem_can_be_read_about(shop: Shop) -> None:
    """Its type is a page, in the reader's language first."""
    page = shop.stranger.get("/problems/sold_out", headers={"Accept-Language": "zh"})

    assert page.status_code == 200
    assert page.text.index("已兑完") < page.text.index("Sold out")
    assert shop.stranger.get("/problems/made_up").status_code == 404
