"""Quotes over HTTP: what an app shows before the member pays."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from loyalty.access import Role
from loyalty.earning.breakdown import Breakdown
from tests.api.conftest import Shop, receipt


def cart(minor: int = 30_000, **more: Any) -> dict[str, Any]:
    body = {
        "member_id": "lee",
        "occurred_at": "2026-10-03T10:00:00+08:00",
        "currency": "CNY",
        "lines": [{"sku": "s1", "category": "grocery", "net_minor": minor}],
    }
    return body | more


def quotes(shop: Shop, role: Role = "integrator", **more: Any) -> Any:
    return shop.as_(role).post("/v1/quotes", json=cart(**more))


def gives(shop: Shop, points: int) -> None:
    shop.services.store.run(lambda tx: tx.ledger.earn(f"before/{points}", "lee", points))


def test_a_quote_says_what_the_purchase_then_says(shop: Shop) -> None:
    """300 yuan on a Saturday: 45 points quoted, 45 posted, with the same working."""
    shop.joins()

    quoted = quotes(shop)
    posted = shop.buys(minor=30_000)

    assert quoted.status_code == 200, quoted.text
    assert quoted.json()["points"] == posted["points"] == 45
    dates = [quoted.json()[name] for name in ("available_at", "expires_at")]
    assert dates == [None, "2027-10-31T16:00:00Z"]
    said = shop.as_("integrator").post("/v1/purchases", json=receipt(minor=30_000)).json()
    assert quoted.json()["breakdown"] == _as_answered(shop, said["breakdown"])


def _as_answered(shop: Shop, breakdown: dict[str, Any]) -> dict[str, Any]:
    """A breakdown as a response model spells it: with every field that says nothing."""
    shaped: dict[str, Any] = TypeAdapter(Breakdown).dump_python(
        Breakdown.from_json(breakdown), mode="json"
    )
    return shaped


def test_nothing_is_written_by_a_quote(shop: Shop) -> None:
    """Asked ten times, a member has earned nothing and nothing is held."""
    shop.joins()
    gives(shop, 5_000)

    answers = [quotes(shop, burn_points=2_000).json() for _ in range(10)]

    assert all(answer == answers[0] for answer in answers)
    balance = shop.as_("integrator").get("/v1/members/lee/balance").json()
    assert (balance["available"], balance["held"]) == (5_000, 0)


def test_points_that_would_pay_are_quoted_with_what_is_left(shop: Shop) -> None:
    """5,000 points pay 50 yuan of 300; the rest earns."""
    shop.joins()
    gives(shop, 5_050)

    seen = quotes(shop, burn_points=5_000).json()

    assert (seen["bill_minor"], seen["burn_minor"], seen["to_pay_minor"]) == (30_000, 5_000, 25_000)
    assert seen["points"] == 37  # 25 and half as much again on a Saturday, rounded down once
    assert seen["burn"]["most_points"] == 5_000
    assert seen["burn"]["reasons"] == ["balance", "whole_steps"]
    assert seen["balance"]["worth_minor"] == 5_050


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"minor": 19_999, "burn_points": 100}, 409, "bill_too_small"),
        ({"burn_points": 5_100}, 409, "not_enough_points"),
        ({"burn_points": 30_100}, 409, "too_many_points"),
        ({"burn_points": 150}, 422, "invalid"),
        ({"burn_points": 0}, 422, "invalid"),
        ({"currency": "USD"}, 422, "invalid"),
        ({"occurred_at": "2027-10-03T10:00:00+08:00"}, 422, "invalid"),
        ({"phone": "13800138000"}, 422, "invalid"),  # and a member id: who is it?
        ({"member_id": None}, 422, "invalid"),
        ({"member_id": "nobody"}, 404, "unknown"),
        ({"member_id": None, "phone": "139 0000 0000"}, 404, "unknown"),
        ({"lines": []}, 422, "invalid"),
    ],
)
def test_what_cannot_be_quoted_is_refused_with_what_to_do(
    shop: Shop, more: dict[str, Any], status: int, code: str
) -> None:
    """The same refusals as at the till, before anybody stands there."""
    shop.joins()
    gives(shop, 5_000)

    refused = quotes(shop, **more)

    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert refused.json()["detail"]


def test_a_marketer_may_try_a_cart_and_a_stranger_may_not(shop: Shop) -> None:
    """Whoever may read members may quote for them."""
    shop.joins()

    assert quotes(shop, "marketer").status_code == 200
    assert quotes(shop, "operator").status_code == 200
    assert shop.stranger.post("/v1/quotes", json=cart()).status_code == 401
