"""The till over HTTP: hold, confirm, release, return; what is refused and how."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty.access import Role
from tests.api.conftest import Shop, receipt

HOLDS = "/v1/till/holds"
HOLD = f"{HOLDS}/till:till-1:2026-10-03/p1"


@pytest.fixture
def lee(shop: Shop) -> Shop:
    """A member with 5,000 points, a card and a phone."""
    shop.joins(card_no="C-0001", phone="138 0013 8000")
    shop.services.store.run(lambda tx: tx.ledger.earn("before", "lee", 5_000))
    return shop


def hold(**more: Any) -> dict[str, Any]:
    body = {
        "source": "till-1",
        "id": "2026-10-03/p1",
        "member_id": "lee",
        "points": 2_000,
        "currency": "CNY",
        "lines": [{"sku": "s1", "category": "grocery", "net_minor": 30_000}],
    }
    return {name: value for name, value in (body | more).items() if value is not None}


def places(shop: Shop, role: Role = "integrator", **more: Any) -> Any:
    return shop.as_(role).post(HOLDS, json=hold(**more))


def does(shop: Shop, act: str, role: Role = "integrator", **body: Any) -> Any:
    return shop.as_(role).post(f"{HOLD}/{act}", json=body)


def available(shop: Shop) -> int:
    return int(shop.as_("integrator").get("/v1/members/lee/balance").json()["available"])


def test_a_sale_paid_partly_with_points_and_its_refund(lee: Shop) -> None:
    """By phone, confirmed, recorded, half of it refunded: points and cash each come back once."""
    placed = places(lee, member_id=None, phone="+86 13800138000")
    assert placed.status_code == 201, placed.text
    assert (placed.json()["worth_minor"], placed.json()["member_id"]) == (2_000, "lee")
    assert placed.json()["expires_at"] == "2026-10-03T04:10:00+00:00"
    assert available(lee) == 3_000

    done = does(lee, "confirm", purchase_id="r-1")
    assert (done.status_code, done.json()["status"]) == (200, "confirmed")
    bill = receipt(minor=30_000) | {"paid_with_points_minor": done.json()["confirmed_minor"]}
    bill["lines"][0] |= {"quantity": 2}
    bought = lee.as_("integrator").post("/v1/purchases", json=bill).json()
    assert bought["points"] == 42  # 280 yuan, and half as much again on a Saturday

    refund = {
        "source": "till-1",
        "id": "b-1",
        "purchase_id": "r-1",
        "occurred_at": "2026-10-03T11:00:00+08:00",
        "lines": [{"line": 1, "quantity": 1}],
    }
    back = lee.as_("integrator").post("/v1/refunds", json=refund)
    assert back.status_code == 201, back.text
    assert (back.json()["amount_minor"], back.json()["cash_minor"]) == (15_000, 14_000)
    assert (back.json()["points_returned"], back.json()["points_reversed"]) == (1_000, 21)
    assert lee.as_("integrator").get(HOLD).json()["returned_points"] == 1_000


def test_sending_again_is_safe(lee: Shop) -> None:
    """The line broke after the till had sent: the same again gets the first answer."""
    first, again = places(lee), places(lee)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first.json(), "replayed": True}
    assert available(lee) == 3_000
    for minor in (0, 1):
        done = does(lee, "confirm", purchase_id="r-1")
        assert (done.status_code, done.json()["replayed"]) == (200, bool(minor))
    assert available(lee) == 3_000


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({}, {"purchase_source": "till-1", "points": 2_000, "bill_minor": 30_000}),
        ({"purchase_source": "till-1", "points": 2_000, "bill_minor": 30_000}, {}),
        ({"bill_minor": 25_000}, {"bill_minor": 25_000, "points": 2_000}),
    ],
)
def test_a_confirmation_is_the_same_however_much_of_it_is_spelt_out(
    lee: Shop, first: dict[str, Any], again: dict[str, Any]
) -> None:
    """Whoever sends again what goes without saying confirms nothing else."""
    places(lee)

    done = [does(lee, "confirm", purchase_id="r-1", **said) for said in (first, again)]

    assert [each.status_code for each in done] == [200, 200]
    assert done[1].json() == {**done[0].json(), "replayed": True}


def test_the_same_id_with_another_body_is_refused(lee: Shop) -> None:
    """409 for the hold, its confirmation and its return."""
    places(lee)
    assert places(lee, points=1_900).json()["code"] == "key_reused"
    does(lee, "confirm", purchase_id="r-1")
    assert does(lee, "confirm", purchase_id="r-2").json()["code"] == "key_reused"
    given: dict[str, Any] = {"source": "shop", "id": "b-1"}
    assert does(lee, "return", **given, amount_minor=100).status_code == 201
    refused = does(lee, "return", **given, amount_minor=200)
    assert (refused.status_code, refused.json()["code"]) == (409, "key_reused")
    assert does(lee, "return", **given, amount_minor=100).status_code == 200


def test_a_hold_is_given_back_without_a_word(lee: Shop) -> None:
    """Nothing has to be said where nobody is at fault."""
    places(lee)

    released = lee.as_("integrator").post(f"{HOLD}/release")

    assert (released.status_code, released.json()["status"]) == (200, "released")
    assert available(lee) == 5_000


@pytest.mark.parametrize(
    ("more", "status", "code", "fact"),
    [
        ({"points": 5_100}, 409, "not_enough_points", ("available", 5_000)),
        ({"points": 30_100}, 409, "too_many_points", ("most_points", 30_000)),
        (
            {"lines": [{"sku": "s", "category": "grocery", "net_minor": 15_000}]},
            409,
            "bill_too_small",
            ("missing_minor", 5_000),
        ),
        (
            {"lines": [{"sku": "s", "category": "gift_card", "net_minor": 90_000}]},
            409,
            "bill_too_small",
            ("bill_minor", 0),
        ),
        ({"points": 150}, 422, "invalid", None),
        ({"points": 0}, 422, "invalid", None),
        ({"currency": "USD"}, 422, "invalid", None),
        ({"card_no": "C-0001"}, 422, "invalid", None),
        ({"member_id": None}, 422, "invalid", None),
        ({"member_id": None, "card_no": "C-9999"}, 404, "unknown", ("kind", "member")),
    ],
)
def test_what_the_till_refuses_and_with_which_figures(
    lee: Shop, more: dict[str, Any], status: int, code: str, fact: tuple[str, Any] | None
) -> None:
    """The figures that the clerk needs are in the facts; nothing is held."""
    refused = places(lee, **more)

    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    if fact is not None:
        assert refused.json()["facts"][fact[0]] == fact[1]
    assert available(lee) == 5_000


def test_a_hold_reads_as_expired_once_its_time_is_over(lee: Shop) -> None:
    """Nobody did anything: the points are there again, and confirming is too late."""
    places(lee)
    lee.clock.moves(timedelta(minutes=10))

    assert lee.as_("integrator").get(HOLD).json()["status"] == "expired"
    [listed] = lee.as_("operator").get("/v1/members/lee/till-holds").json()["rows"]
    assert listed["status"] == "expired"
    assert available(lee) == 5_000
    late = does(lee, "confirm", purchase_id="r-1")
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")
    assert "Place a new hold" in late.json()["detail"]
    assert does(lee, "release").json()["status"] == "expired"


def test_a_released_hold_has_nothing_to_return(lee: Shop) -> None:
    """The member paid otherwise."""
    places(lee)

    released = does(lee, "release", fault="member", reason="paid_otherwise")

    assert (released.status_code, released.json()["status"]) == (200, "released")
    assert available(lee) == 5_000
    assert does(lee, "return", source="shop", id="b-1").json()["code"] == "wrong_state"


def test_only_tills_use_points(lee: Shop) -> None:
    """A marketer may look at a hold and not place, spend or return one."""
    assert places(lee, "marketer").status_code == 403
    assert places(lee, "operator").status_code == 403
    places(lee)
    for act in ("confirm", "release", "return"):
        assert does(lee, act, "marketer").status_code == 403
    assert lee.as_("marketer").get(HOLD).status_code == 200
    assert lee.stranger.get(HOLD).status_code == 401


def test_a_hold_that_was_never_placed_is_unknown(lee: Shop) -> None:
    """404 with the kind and the id."""
    assert lee.as_("operator").get(HOLD).json()["facts"]["kind"] == "hold"
    assert does(lee, "confirm", purchase_id="r-1").status_code == 404
    assert does(lee, "release").status_code == 404


def test_a_card_that_is_taken_is_refused_at_registration(lee: Shop) -> None:
    """Two members with one card could not be told apart at the till."""
    refused = lee.as_("integrator").post("/v1/members", json={"id": "lin", "card_no": "C-0001"})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "card_no")
