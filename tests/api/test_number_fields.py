"""A number in a body is a number: `true` does not stand for 1, nor a text for what it spells.

A till that mixes them up has a fault that should be found on its first day, not in the accounts.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from api.routes.audiences import AudienceBody
from api.routes.campaign_shapes import Revision
from loyalty.campaign_request import CampaignRequest
from loyalty.events import Purchase, Refund
from loyalty.offers import ClaimRequest
from loyalty.quotes import Cart
from loyalty.simulation.assumptions import Assumption
from loyalty.till.requests import HoldConfirm, HoldRequest, HoldReturn

LINE = {"sku": "A", "category": "fresh", "quantity": 2, "net_minor": 500, "tax_minor": 10}
WHEN = "2026-10-03T10:15:00+08:00"
CAMPAIGN = {"id": "welcome", "name": "Welcome", "template": "greeting"}
FIGURES = {"holdout_percent": 10, "budget_points": 1000}
RULES = [
    {"about": "last_purchase", "op": "before", "days": 30},
    {"about": "spend", "amount_minor": 100, "days": 30},
    {"about": "category", "category": "fresh", "days": 30},
    {"about": "store", "store": "riverside", "days": 30},
    {"about": "points", "points": 100},
    {"about": "expiring_points", "points": 100, "days": 30},
    {"about": "registered", "days": 30},
]
BODIES: list[tuple[type[BaseModel], dict[str, Any]]] = [
    *((AudienceBody, {"audience": {"groups": [{"rules": [rule]}]}}) for rule in RULES),
    (CampaignRequest, CAMPAIGN | FIGURES),
    (Revision, FIGURES),
    (
        Purchase,
        {
            "source": "till",
            "id": "1",
            "member_id": "lee",
            "occurred_at": WHEN,
            "currency": "CNY",
            "lines": [LINE],
            "paid_with_points_minor": 1,
        },
    ),
    (
        Refund,
        {
            "source": "till",
            "id": "2",
            "purchase_id": "1",
            "occurred_at": WHEN,
            "lines": [{"line": 1, "quantity": 1}],
        },
    ),
    (ClaimRequest, {"request_id": "r1", "campaign_id": "c", "member_id": "m", "quantity": 1}),
    (Cart, {"member_id": "lee", "currency": "CNY", "lines": [LINE], "burn_points": 100}),
    (
        HoldRequest,
        {
            "source": "till",
            "id": "3",
            "member_id": "lee",
            "points": 100,
            "lines": [LINE],
            "currency": "CNY",
        },
    ),
    (HoldConfirm, {"purchase_id": "1", "points": 100, "bill_minor": 100}),
    (HoldReturn, {"source": "shop", "id": "4", "amount_minor": 100}),
    (Assumption, {"kind": "purchase", "day": 3, "minor": 100}),
]


def with_one_wrong(body: Any, wrong: type) -> Iterator[Any]:
    """The body once for each number in it, with that one of another type."""
    if type(body) is int:
        yield wrong(body)
    elif isinstance(body, dict):
        for name, value in body.items():
            yield from ({**body, name: each} for each in with_one_wrong(value, wrong))
    elif isinstance(body, list):
        for at, value in enumerate(body):
            yield from (
                [*body[:at], each, *body[at + 1 :]] for each in with_one_wrong(value, wrong)
            )


@pytest.mark.parametrize(("model", "body"), BODIES)
@pytest.mark.parametrize("wrong", [bool, str])
def test_a_number_is_neither_a_truth_nor_a_text(
    model: type[BaseModel], body: dict[str, Any], wrong: type
) -> None:
    model.model_validate_json(json.dumps(body))
    bodies = list(with_one_wrong(body, wrong))
    assert bodies
    for each in bodies:
        with pytest.raises(ValidationError):
            model.model_validate_json(json.dumps(each))
