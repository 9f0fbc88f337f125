"""What the outside may say: bounded, dated with an offset, the same content with the same hash."""

from typing import Any, cast

import pytest
from pydantic import BaseModel, ValidationError

from loyalty.events import MemberEvent, Purchase, Refund, body_hash

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    model: cast(Any, model.model_config["json_schema_extra"])["examples"][0]
    for model in (Purchase, Refund, MemberEvent)
}
PURCHASE = EXAMPLES[Purchase]
LINE = PURCHASE["lines"][0]


@pytest.mark.parametrize("model", EXAMPLES)
def test_the_documented_examples_are_accepted(model: type[BaseModel]) -> None:
    """Whoever copies an example from the documentation gets a yes."""
    assert model.model_validate(EXAMPLES[model])


@pytest.mark.parametrize(
    "change",
    [
        {"occurred_at": "2026-10-03T10:15:00"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"occurred_at": "2100-01-01T00:00:00Z"},
        {"lines": []},
        {"lines": [LINE] * 201},
        {"lines": [LINE | {"net_minor": -1}]},
        {"lines": [LINE | {"net_minor": 10.5}]},
        {"lines": [LINE | {"quantity": 0}]},
        {"lines": [LINE | {"category": "a\x00b"}]},
        {"member_id": "a/b"},
        {"member_id": "m" * 65},
        {"currency": "yuan"},
        {"store": ""},
        {"surprise": 1},
        {"id": "2026/../7"},
        {"id": "2026/./7"},
        {"id": "2026//7"},
        {"id": "2026/"},
        {"id": "7/.."},
        {"id": "7" * 129},
        {"occurred_at": 1795368098},
        {"occurred_at": 1795368098000},
        {"occurred_at": "1795368098"},
        {"occurred_at": "2026-10-03"},
    ],
)
def test_a_purchase_that_cannot_be_right_is_refused(change: dict[str, Any]) -> None:
    """A wrong till is told at once, not found in a report."""
    with pytest.raises(ValidationError):
        Purchase.model_validate(PURCHASE | change)


@pytest.mark.parametrize("id", ["2026/.7", "2026/..7", "2026/...", "a.b/c.", "7:8/-", "7" * 128])
def test_an_id_that_an_address_can_hold_is_taken(id: str) -> None:
    """Whatever clients make shorter was refused, and no more than that."""
    assert Purchase.model_validate(PURCHASE | {"id": id}).id == id


def test_a_refund_names_each_line_once() -> None:
    """Two parts of one line are one part."""
    with pytest.raises(ValidationError, match="once"):
        Refund.model_validate(EXAMPLES[Refund] | {"lines": [{"line": 1, "quantity": 1}] * 2})


def test_the_same_content_has_the_same_hash() -> None:
    """Order, offset and spelt-out defaults do not make it another receipt; an amount does."""
    same = dict(reversed(PURCHASE.items())) | {
        "occurred_at": "2026-10-03T02:15:00Z",
        "till": None,
    }
    other = PURCHASE | {"lines": [LINE | {"net_minor": 10_001}]}
    first = body_hash(Purchase.model_validate(PURCHASE))

    assert body_hash(Purchase.model_validate(same)) == first
    assert body_hash(Purchase.model_validate(other)) != first
