"""Numbers with decimals, as people type them and as they never do."""

from decimal import Decimal

import pytest

from loyalty.typed_numbers import typed_decimal, typed_minor


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("12.5", Decimal("12.5")),
        (" 2 ", Decimal(2)),
        (1.5, Decimal("1.5")),
        (".5", Decimal("0.5")),
        ("5.", Decimal(5)),
        ("-1", Decimal(-1)),
        ("1e3", None),
        ("1e9999999", None),
        ("NaN", None),
        ("Infinity", None),
        ("1_000", None),
        ("9" * 14, None),
        ("", None),
        (".", None),
        (True, None),
        (None, None),
    ],
)
def test_a_number_is_what_anybody_would_write(typed: object, number: Decimal | None) -> None:
    assert typed_decimal(typed) == number


@pytest.mark.parametrize(
    ("typed", "places", "minor"),
    [
        ("100", 2, 10_000),
        ("1,000.50", 2, 100_050),
        ("1，000", 2, 100_000),
        ("99,90", 2, None),
        ("1,5", 2, None),
        ("1,00", 2, None),
        ("1000,000", 2, None),
        ("1,000,000", 2, 100_000_000),
        ("1000", 0, 1000),
        ("1.5", 0, None),
        ("1.005", 2, None),
        ("0", 2, 0),
        ("-1", 2, None),
        ("10000000000", 2, 1_000_000_000_000),
        ("10000000000.01", 2, None),
        ("1e500000", 2, None),
        ("much", 2, None),
    ],
)
def test_an_amount_of_money_is_whole_in_its_smallest_coin(
    typed: str, places: int, minor: int | None
) -> None:
    assert typed_minor(typed, places) == minor
