"""Shops and tills whose names have a colon in them are told apart."""

import pytest

from loyalty.errors import Invalid
from loyalty.event_keys import event_key, event_of
from loyalty.till import flow
from loyalty.till.requests import HoldConfirm
from tests.storage.rows import NOON
from tests.storage.till_desk import DAY, Till


def test_a_hold_is_for_the_till_that_placed_it(till: Till) -> None:
    """`pos:7` pays its own receipt with points: they earn nothing, and come back with the goods."""
    till.starts_with((10_000, None))
    hold = till.holds(10_000, source="pos:7")["hold_id"]
    done = till.store.run(lambda tx: flow.confirm(tx, hold, HoldConfirm(purchase_id="0001")))
    assert done["purchase_source"] == "pos:7"

    with pytest.raises(Invalid, match="less than the 10000 minor units"):
        till.buys("lee", "0001", ("grocery", 20_000), source="pos:7")
    sold = till.buys(
        "lee", "0001", ("grocery", 20_000), source="pos:7", paid_with_points_minor=10_000
    )
    back = till.returns("0001", source="pos:7")

    assert sold["points"] == 10
    assert (back["points_returned"], back["cash_minor"]) == (10_000, 10_000)
    till.proved()


def test_two_tills_whose_names_and_numbers_run_together_are_two(till: Till) -> None:
    """Number `1:7` of `pos` and number `7` of `pos:1`: two holds, two receipts, two refunds."""
    till.starts_with((2_000, None))
    both = [("pos", "1:7"), ("pos:1", "7")]

    holds = [till.holds(1_000, source=source, id=id) for source, id in both]
    answers = [
        till.buys("lee", id, ("grocery", 20_000 + 1_000 * n), source=source)
        for n, (source, id) in enumerate(both)
    ]
    slips = [till.slip(answer["transaction"]) for answer in answers]
    backs = [
        till.returns(id, source=source, id=back)
        for (source, id), back in zip(both, ("1:8", "8"), strict=True)
    ]

    assert [each["replayed"] for each in holds] == [False, False]
    assert [answer["points"] for answer in answers] == [20, 21]
    assert [(slip["event"]["source"], slip["event"]["event_id"]) for slip in slips] == both
    assert len({back["transaction"] for back in backs}) == 2
    assert [back["points_reversed"] for back in backs] == [20, 21]


@pytest.mark.parametrize(
    ("source", "id", "key"),
    [
        ("till-12", "2026-10-03/000481", "purchase:till-12:2026-10-03/000481"),
        ("pos:7", "0001", "purchase:pos~7:0001"),
        ("pos", "7:0001", "purchase:pos:7:0001"),
    ],
)
def test_a_key_is_read_back_one_way_only(source: str, id: str, key: str) -> None:
    """What most shops send stands in the key as they wrote it."""
    assert event_key("purchase", source, id) == key
    assert event_of(key) == ("purchase", source, id)


def test_ids_that_end_in_the_name_of_an_act_are_ids_like_others(till: Till) -> None:
    """What confirming `h1` burned is not mistaken for a hold that a till calls `h1:confirm`."""
    till.starts_with((1_000, NOON + DAY))

    for id in ("h1", "h1:confirm", "h1:confirm:confirm"):
        till.holds(100, id=id)
        till.confirms(id, f"r-{id}")
    for id in ("h2", "h2:release"):
        till.holds(100, id=id)
        till.releases(id)

    assert till.balance("lee").available == 700
