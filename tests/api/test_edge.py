"""What surrounds every request: health, figures, headers, documentation, the log."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from api.edge import Limits
from api.services import Check
from loyalty.member_details import PHONE
from loyalty.written_forms import FORMS
from tests.api.conftest import Shop, receipt

JSON = "application/json"


def test_a_healthy_process_says_so(shop: Shop) -> None:
    """Alive needs nothing; ready needs the database and its tables."""
    alive, ready = shop.stranger.get("/healthz"), shop.stranger.get("/readyz")

    assert (alive.status_code, alive.json()["status"]) == (200, "alive")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["parts"]["database"]["detail"].startswith("sqlite, at ")


def test_what_is_away_is_named(serving: Callable[..., Shop]) -> None:
    """503, each part with its state; an asker that never answers does not hang the answer."""

    async def silent() -> Check:
        await asyncio.sleep(60)
        return Check(True, "late")

    away = serving(check_temporal=silent)
    with away.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")

    answer = away.stranger.get("/readyz")

    parts = answer.json()["parts"]
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert parts["temporal"] == {"ok": False, "detail": "no answer in time"}
    assert "milepost migrate" in parts["database"]["detail"]
    assert away.stranger.get("/healthz").status_code == 200


def test_while_temporal_is_away_the_api_goes_on_recording(serving: Callable[..., Shop]) -> None:
    """Ready, and it says what is away: a balancer must not turn the tills away for it."""

    async def away() -> Check:
        return Check(False, "Temporal does not answer")

    shop = serving(check_temporal=away)
    answer = shop.stranger.get("/readyz")
    shop.joins()

    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert answer.json()["parts"]["temporal"]["ok"] is False
    assert shop.buys()["points"] > 0


def test_figures_name_the_route_and_never_the_member(shop: Shop) -> None:
    """Whole patterns with their prefix, also for addresses that match nothing."""
    shop.joins()
    shop.as_("integrator").get("/v1/members/lee/balance")
    shop.as_("integrator").get("/v1/secret-path")

    figures = shop.stranger.get("/metrics").text

    assert (
        'milepost_http_requests_total{method="GET",route="/v1/members/{member_id}/balance",'
        'status="200"} 1.0' in figures
    )
    assert 'route="unmatched",status="404"' in figures
    assert "lee" not in figures
    assert "secret-path" not in figures


def test_pages_are_counted_by_their_whole_pattern(shop: Shop) -> None:
    """The home page too, and no page is mistaken for a route of the API."""
    shop.joins()
    operator = shop.signed_in("operator")
    with capture_logs() as lines:
        for path in ("/console", "/console/members/lee", "/console/no-such-page"):
            operator.get(path)

    routes = ["/console", "/console/members/{id}", "unmatched"]
    assert [line["route"] for line in lines if line["event"] == "request"] == routes
    figures = shop.stranger.get("/metrics").text
    assert 'milepost_http_requests_total{method="GET",route="/console",status="200"} 1.0' in figures


def test_the_log_names_the_request_and_never_the_member(shop: Shop) -> None:
    """One line each: route, status, time, key; no path, no body, no name."""
    shop.joins(name="Lee Wang", email="lee@example.com")
    with capture_logs() as lines:
        answer = shop.as_("integrator").get(
            "/v1/members/lee", headers={"X-Request-Id": "till-12-000481"}
        )

    (line,) = lines
    assert answer.headers["X-Request-Id"] == "till-12-000481"
    assert (line["request_id"], line["route"]) == ("till-12-000481", "/v1/members/{member_id}")
    assert line["key"].startswith("key-")
    assert not re.search("lee|example|mp_", str(line), re.IGNORECASE)


def test_a_request_id_that_could_forge_a_log_is_replaced(shop: Shop) -> None:
    """Ours instead of one with anything but letters, digits, dots and dashes."""
    answer = shop.stranger.get("/healthz", headers={"X-Request-Id": 'a"b\tstatus=200'})

    assert answer.headers["X-Request-Id"].startswith("request-")


@pytest.mark.parametrize("path", ["/healthz", "/v1/members/lee", "/nothing", "/docs"])
def test_every_answer_has_strict_headers(shop: Shop, path: str) -> None:
    """Whatever the answer is, browsers are told to trust nothing."""
    headers = shop.stranger.get(path).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"


def test_the_documentation_fetches_nothing_from_elsewhere(shop: Shop) -> None:
    """One page and its style sheet, no script, every operation with its roles and an example."""
    page = shop.stranger.get("/docs").text
    outside = re.findall(r'(?:src|href)="(?:https?:)?//[^"]*', page)
    linked = set(re.findall(r'(?:src|href)="(/[^"]*)"', page))

    assert outside == []
    assert "<script" not in page
    assert all(shop.stranger.get(each).status_code == 200 for each in linked)
    operations = shop.app.openapi()["paths"]
    assert all(path in page for path in operations)
    assert "Roles: operator, admin" in page
    assert "till-12" in page


def test_every_operation_teaches(shop: Shop) -> None:
    """A summary, a description of its fields' answers, a tag, and examples where a body is sent."""
    schema = shop.app.openapi()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            where = (method, path)
            assert operation["tags"][0] in {tag["name"] for tag in schema["tags"]}, where
            assert operation["summary"], where
            assert operation.get("description") or path == "/healthz", where


def test_every_form_of_a_text_is_said_in_words(shop: Shop) -> None:
    """Who mistypes an id or a phone number reads what is wanted, and no regular expression."""
    wanted = set(_patterns(shop.app.openapi()))

    assert wanted
    assert wanted <= FORMS.keys()
    for pattern, words in FORMS.items():
        _, _, example = words.partition("as in ")
        assert not example or re.match(pattern, example), words
    refused = shop.as_("integrator").post("/v1/members", json={"id": "lee", "phone": "call me"})
    assert refused.json()["errors"][0]["message"] == "must be " + FORMS[PHONE]


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from _patterns(each)


async def test_too_many_at_once_are_told_to_come_back(serving: Callable[..., Shop]) -> None:
    """Above the limit 503 with Retry-After at once, while health still answers."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow() -> Check:
        entered.set()
        await leave.wait()
        return Check(True, "answers")

    shop = serving(limits=Limits(requests_at_once=1), check_temporal=slow)
    transport: Any = httpx2.ASGITransport(app=shop.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://milepost") as client:
        held = asyncio.create_task(client.get("/readyz"))
        await entered.wait()
        refused = await client.get("/v1/campaigns")
        health = await client.get("/healthz")
        leave.set()
        await held

        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["Retry-After"] == "1"
        assert health.status_code == 200
        assert (await client.get("/v1/campaigns")).status_code == 401


def test_sealed_payloads_open_for_operators(shop: Shop) -> None:
    """Temporal's tools send them sealed and get them readable; what was never sealed passes."""
    plain = {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IjQyIg=="}
    operator = shop.as_("operator")

    sealed = operator.post("/codec/encode", json={"payloads": [plain]}).json()
    opened = operator.post("/codec/decode", json=sealed).json()
    passed = operator.post("/codec/decode", json={"payloads": [plain]}).json()

    assert sealed["payloads"][0]["data"] != plain["data"]
    assert opened == passed == {"payloads": [plain]}
    assert shop.as_("marketer").post("/codec/decode", json=sealed).status_code == 403


def test_temporals_web_ui_may_ask_from_its_own_address(serving: Callable[..., Shop]) -> None:
    """Browsers ask first; only the configured address is allowed, and only the codec server."""
    shop = serving(codec_origins=("http://127.0.0.1:8233",))

    def ask(origin: str, path: str = "/codec/decode") -> Any:
        return shop.stranger.options(
            path,
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type,x-namespace",
            },
        )

    assert ask("http://127.0.0.1:8233").headers["Access-Control-Allow-Origin"]
    assert "Access-Control-Allow-Origin" not in ask("http://evil.example").headers
    assert "Access-Control-Allow-Origin" not in ask("http://127.0.0.1:8233", "/v1/members").headers


def test_an_answer_is_not_kept_by_anybody(shop: Shop) -> None:
    """Balances are personal: no cache between us and the caller may hold them."""
    shop.joins()
    answer = shop.as_("integrator").post("/v1/purchases", json=receipt())

    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_body_that_never_ends_holds_up_nobody(serving: Callable[..., Shop]) -> None:
    """408 after some seconds: a till with a broken line does not keep a place from others."""
    shop = serving(limits=Limits(body_seconds=0.05))

    async def drip() -> AsyncIterator[bytes]:
        yield b'{"id": '
        await asyncio.sleep(30)

    headers = {"Authorization": f"Bearer {shop.tokens['integrator']}"}
    transport = httpx2.ASGITransport(shop.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        async with asyncio.timeout(5):
            answer = await client.post(
                "/v1/members", content=drip(), headers=headers | {"Content-Type": JSON}
            )

    assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")
