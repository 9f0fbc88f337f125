"""How many points a bill takes, and why not more; and how phone numbers are told apart."""

import pytest
from pydantic import ValidationError

from loyalty.errors import Invalid, LoyaltyError
from loyalty.events import Line
from loyalty.ledger import NotEnoughPoints
from loyalty.members import phone_digits
from loyalty.programme import Burning, Earning, Programme
from loyalty.till.limits import BillTooSmall, TooManyPoints, check, usable, worth


def bill(*lines: tuple[str, int]) -> tuple[Line, ...]:
    return tuple(Line(sku="s", category=category, net_minor=net) for category, net in lines)


HALF = Programme(burning=Burning(maximum_share_bp=5_000))
TENTH = Programme(earning=Earning(cash_points=10, cash_minor=1))


@pytest.mark.parametrize(
    ("programme", "lines", "available", "most", "minor", "reasons"),
    [
        # Feature 30: 100 points are 1 yuan, from 200 yuan on.
        (Programme(), [("grocery", 20_000)], 1_234, 1_200, 1_200, ["balance", "whole_steps"]),
        (Programme(), [("grocery", 20_000)], 1_200, 1_200, 1_200, ["balance"]),
        (Programme(), [("grocery", 19_999)], 1_200, 0, 0, ["bill_too_small"]),
        (Programme(), [("grocery", 20_000)], 99, 0, 0, ["balance", "whole_steps"]),
        (Programme(), [("grocery", 20_000)], 0, 0, 0, ["balance"]),
        # Never more than the bill, and never half a step of it.
        (Programme(), [("grocery", 20_050)], 90_000, 20_000, 20_000, ["share_of_bill"]),
        (HALF, [("grocery", 20_300)], 90_000, 10_100, 10_100, ["share_of_bill"]),
        (TENTH, [("grocery", 20_000)], 1_000_000, 200_000, 20_000, ["share_of_bill"]),
        # Gift cards are paid in money, and do not lift a bill over the minimum.
        (
            Programme(),
            [("grocery", 19_000), ("gift_card", 50_000)],
            9_000,
            0,
            0,
            ["categories_not_payable", "bill_too_small"],
        ),
        (
            Programme(),
            [("grocery", 20_000), ("gift_card", 50_000)],
            90_000,
            20_000,
            20_000,
            ["categories_not_payable", "share_of_bill"],
        ),
    ],
)
def test_what_a_bill_takes_and_why_not_more(
    programme: Programme,
    lines: list[tuple[str, int]],
    available: int,
    most: int,
    minor: int,
    reasons: list[str],
) -> None:
    """The most in whole steps, its worth, and every bound that was met."""
    may = usable(programme, bill(*lines), available)

    assert (may.most_points, may.most_minor, list(may.reasons)) == (most, minor, reasons)
    assert may.least_points == (100 if most else 0)


@pytest.mark.parametrize("available", [0, 99, 100, 2_550, 20_000, 99_999])
def test_the_most_that_is_quoted_is_accepted_and_a_step_more_is_not(available: int) -> None:
    """What the clerk is told may be used is what the till takes."""
    may = usable(Programme(), bill(("grocery", 20_000)), available)

    if may.most_points:
        check(Programme(), may.bill_minor, may.most_points, available)
    with pytest.raises(LoyaltyError):
        check(Programme(), may.bill_minor, may.most_points + may.step_points, available)


@pytest.mark.parametrize(
    ("bill_minor", "points", "refused", "says"),
    [
        (19_999, 100, BillTooSmall, "Take the whole sum in money"),
        (20_000, 20_100, TooManyPoints, "Ask for 20000 or fewer"),
        (20_000, 150, Invalid, "multiple of 100, such as 100"),
        (20_000, 50, Invalid, "multiple of 100, such as 100"),
        (20_000, 5_100, NotEnoughPoints, "5000 are available"),
    ],
)
def test_a_refusal_says_what_to_do(
    bill_minor: int, points: int, refused: type[LoyaltyError], says: str
) -> None:
    """The clerk reads one sentence and knows what to ask for instead."""
    with pytest.raises(refused) as told:
        check(Programme(), bill_minor, points, available=5_000)

    assert says in told.value.detail


def test_a_step_that_is_no_whole_sum_is_no_programme() -> None:
    """Half a minor unit cannot be paid: 3 points for 1 need steps of 3."""
    earning = Earning(cash_points=3, cash_minor=1)
    programme = Programme(earning=earning, burning=Burning(step_points=300))

    assert worth(programme, 600) == 200
    with pytest.raises(ValidationError, match="whole minor units"):
        Programme(earning=earning, burning=Burning(step_points=100))


@pytest.mark.parametrize(
    "written",
    ["13800138000", "138 0013 8000", "+86 138-0013-8000", "0086 13800138000", "8613800138000"],
)
def test_a_phone_number_is_the_same_however_it_is_written(written: str) -> None:
    """Feature 6: the clerk types what the member says."""
    assert phone_digits(written, "86") == "8613800138000"


def test_the_same_digits_in_another_country_are_another_number() -> None:
    """A country's code is part of the number."""
    assert phone_digits("+1 415 555 0100", "86") == "14155550100"
    assert phone_digits("020 7946 0000", "44") == "442079460000"
    assert phone_digits("(415) 555-0100", "1") == "14155550100"
