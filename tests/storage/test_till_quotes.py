"""What a cart would earn, and what points may pay of it: never other than what is posted then."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.events import Line
from loyalty.ledger import NotEnoughPoints
from loyalty.programme import Burning, Programme
from loyalty.till.limits import TooManyPoints
from storage.database import Database
from tests.storage.rows import NOON, StillClock
from tests.storage.till_desk import DAY, MINUTE, Till, with_rules


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["fresh", "grocery", "drinks", "gift_card"]), st.integers(0, 40_000)
        ),
        min_size=1,
        max_size=5,
    ),
    earlier=st.integers(0, 3),
    points=st.integers(0, 400),
)
def test_a_quote_and_the_purchase_that_follows_never_differ(
    one_till: Till, lines: list[tuple[str, int]], earlier: int, points: int
) -> None:
    """Rule 9: one function computes both, caps and points paid included; quoting writes nothing."""
    name = f"m{next(one_till.numbers)}"
    one_till.joins(name)
    one_till.starts_with((points * 100 + 1, None), member=name)
    for n in range(earlier):
        one_till.buys(name, f"{name}/{n}", ("drinks", 1_000))
    most = one_till.quoted(*lines, member=name)["burn"]["most_points"]
    burn = {"burn_points": most} if most else {}

    quoted = one_till.quoted(*lines, member=name, **burn)
    assert one_till.quoted(*lines, member=name, **burn) == quoted
    if most:
        cart = tuple(Line(sku="s", category=c, net_minor=net) for c, net in lines)
        held = one_till.holds(most, id=name, member_id=name, lines=cart)
        assert held["worth_minor"] == quoted["burn_minor"]
        one_till.confirms(name, name)
    posted = one_till.buys(name, name, *lines, paid_with_points_minor=quoted["burn_minor"])

    assert posted["breakdown"] == quoted["breakdown"]
    assert posted["points"] == quoted["points"]


def test_the_part_paid_with_points_earns_nothing(till: Till) -> None:
    """Rule 11: 200 yuan of which points pay half earn as 100 yuan would."""
    till.starts_with((10_000, None))

    whole = till.quoted(("grocery", 20_000))
    half = till.quoted(("grocery", 20_000), burn_points=10_000)

    assert (whole["points"], half["points"]) == (20, 10)
    assert (half["burn_minor"], half["to_pay_minor"]) == (10_000, 10_000)
    assert till.pays_with(10_000, ("grocery", 20_000))["points"] == 10


def test_points_paid_entirely_with_points_earn_nothing(till: Till) -> None:
    """Rule 11: else points would breed points."""
    till.starts_with((20_000, None))

    assert till.pays_with(20_000, ("grocery", 20_000))["points"] == 0


def test_a_quote_says_why_not_more(till: Till) -> None:
    """1,550 points: 1,500 in whole steps; a small bill takes none, and says so."""
    till.starts_with((1_550, None))

    may = till.quoted(("grocery", 20_000))["burn"]
    assert (may["least_points"], may["step_points"], may["most_points"]) == (100, 100, 1_500)
    assert (may["most_minor"], may["reasons"]) == (1_500, ["balance", "whole_steps"])
    assert till.quoted(("grocery", 100))["burn"]["reasons"] == ["bill_too_small"]
    with pytest.raises(NotEnoughPoints):
        till.quoted(("grocery", 20_000), burn_points=1_600)


def test_a_share_of_the_bill_is_the_programmes_choice(
    database: Database, clock: StillClock
) -> None:
    """Half the bill at most, held for two minutes."""
    burning = Burning(maximum_share_bp=5_000, hold_minutes=2)
    till = with_rules(database, clock, Programme(burning=burning))
    till.starts_with((30_000, None))

    assert till.quoted(("grocery", 20_000))["burn"]["most_points"] == 10_000
    with pytest.raises(TooManyPoints):
        till.holds(10_100)
    assert till.holds(10_000)["expires_at"] == (NOON + 2 * MINUTE).isoformat()


def test_a_member_in_debt_is_told_so(till: Till) -> None:
    """Rule 1: what was spent before the refund is owed first."""
    till.buys("lee", "r0", ("grocery", 1_000_000))
    till.starts_with((200, None))
    till.pays_with(1_000, ("grocery", 20_000))
    till.returns("r0")

    may = till.quoted(("grocery", 20_000))["burn"]

    assert (may["most_points"], may["reasons"]) == (0, ["balance", "debt"])


def test_every_coming_expiry_is_quoted(till: Till) -> None:
    """Rule 6: not only the first date, and nothing that never lapses."""
    till.starts_with((100, NOON + DAY), (200, NOON + 2 * DAY), (300, NOON + 30 * DAY), (400, None))

    seen = till.quoted(("grocery", 20_000))["balance"]

    assert seen["available"] == 1_000
    assert [(each["at"], each["points"]) for each in seen["expiring"]] == [
        ((NOON + DAY).isoformat(), 100),
        ((NOON + 2 * DAY).isoformat(), 200),
        ((NOON + 30 * DAY).isoformat(), 300),
    ]
