"""Tiers over HTTP: what members and clerks see, and who may give one by hand."""

from typing import Any

import pytest

from loyalty.access import Role
from loyalty.programme import Programme
from loyalty.tiers.settings import Rung, Tiers
from storage.store import SqlStore
from tests.api.conftest import MovingClock, Shop, serve
from tests.conftest import DatabaseMaker

TIER = "/v1/members/lee/tier"
LADDER = (
    Rung(tier="ordinary", threshold=0),
    Rung(tier="silver", threshold=100_000),
    Rung(tier="gold", threshold=500_000),
)


@pytest.fixture
def shop(new_database: DatabaseMaker) -> Shop:
    """A shop with a ladder of 1,000 and 5,000 yuan and one level that is paid for."""
    database, clock = new_database("sqlite"), MovingClock()
    programme = Programme(tiers=Tiers(ladder=LADDER, paid_levels={"plus": "gold"}))
    store = SqlStore(database, clock, programme)
    return serve(database, store=store, programme=programme, clock=clock)


def gives(shop: Shop, role: Role = "operator", **body: Any) -> Any:
    return shop.as_(role).post(TIER, json={"reason": "Apology for a lost order", **body})


def test_a_member_sees_what_is_missing_to_rise(shop: Shop) -> None:
    """1,200 spent: silver at once, 3,800 to gold, nothing to lose."""
    shop.joins()
    shop.buys(minor=120_000)

    seen = shop.as_("integrator").get(TIER).json()

    assert (seen["tier"], seen["next_tier"], seen["to_rise"]) == ("silver", "gold", 380_000)
    assert (seen["metric_name"], seen["metric"]) == ("spend_minor", 120_000)
    assert (seen["valid_until"], seen["to_stay"], seen["at_risk"]) == (None, None, False)
    [row] = seen["history"]
    assert (row["tier"], row["came_from"], row["reason"]) == ("silver", "ordinary", "reached")
    assert shop.as_("integrator").get("/v1/members/lee").json()["tier"] == "silver"


def test_a_tier_by_hand_is_in_the_trail_with_its_reason(shop: Shop) -> None:
    """The operator's key, the reason and what was given; the same again adds nothing."""
    shop.joins()

    first, again = gives(shop, tier="gold"), gives(shop, tier="gold")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["reason"] == "set_by_hand"
    rows = shop.as_("operator").get("/v1/audit?target=lee").json()["acts"]
    assert [(row["action"], row["reason"]) for row in rows] == [
        ("member.tier", "Apology for a lost order")
    ]


def test_a_paid_level_is_sold_with_its_end(shop: Shop) -> None:
    """Bought in the app: it counts at once, and the ladder is untouched."""
    shop.joins()
    until = "2027-10-03T00:00:00+08:00"

    bought = gives(shop, "integrator", kind="paid", tier="plus", until=until)

    assert bought.status_code == 200
    seen = bought.json()
    assert (seen["tier"], seen["ladder_tier"], seen["paid_level"]) == ("plus", "ordinary", "plus")
    assert seen["paid_until"] == "2027-10-02T16:00:00Z"


def test_a_marketer_may_look_and_not_give(shop: Shop) -> None:
    """Whoever plans campaigns cannot make a friend gold."""
    shop.joins()

    assert shop.as_("marketer").get(TIER).status_code == 200
    assert gives(shop, "marketer", tier="gold").status_code == 403
    assert shop.stranger.get(TIER).status_code == 401
    assert shop.as_("marketer").get(TIER).json()["tier"] == "ordinary"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tier": "platinum"}, "tier"),
        ({"tier": "plus"}, "tier"),  # a level that is paid for is no place on the ladder
        ({"kind": "paid", "tier": "gold", "until": "2027-01-01T00:00:00Z"}, "tier"),
        ({"tier": "gold", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"tier": "gold", "for": "ever"}, "for"),
        ({"tier": "gold", "reason": ""}, "reason"),
    ],
)
def test_what_cannot_be_given_is_refused_by_field(
    shop: Shop, body: dict[str, Any], field: str
) -> None:
    """422 with the field at fault, and the tier as it was."""
    shop.joins()

    refused = gives(shop, **body)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert field in [error["field"] for error in refused.json()["errors"]]
    assert shop.as_("operator").get(TIER).json()["tier"] == "ordinary"


def test_a_paid_level_without_its_end_is_refused(shop: Shop) -> None:
    """A fee is for a time: which one has to be said."""
    shop.joins()

    refused = gives(shop, kind="paid", tier="plus")

    assert refused.status_code == 422
    assert "until" in refused.text


def test_nobody_has_no_tier(shop: Shop) -> None:
    """An unknown member is 404, to read and to change."""
    assert shop.as_("operator").get(TIER).json()["code"] == "unknown"
    assert gives(shop, tier="gold").status_code == 404


def test_ending_a_level_that_does_not_run_is_refused(shop: Shop) -> None:
    """There is nothing to end: 409, and nothing is written."""
    shop.joins()

    refused = gives(shop, kind="paid", tier="plus", until="2020-01-01T00:00:00Z")

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
