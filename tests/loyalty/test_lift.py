"""Treated against held out: two intervals, one verdict, and an alarm for a broken split."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.lift import (
    Arm,
    always_valid,
    lift,
    newcombe_wilson,
    split_chance,
    split_is_broken,
)

TREATED, HELD_OUT = Arm(12_840, 1_204), Arm(1_420, 95)


def test_the_interval_of_one_planned_look_is_newcombes() -> None:
    """Figures of statsmodels' confint_proportions_2indep, method newcomb, to the last digit."""
    found = newcombe_wilson(TREATED, HELD_OUT)

    assert round(found.low * 100, 2) == 1.18
    assert round(found.high * 100, 2) == 3.98


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        # Newcombe 1998, table II, method 10: his worked examples (a), (b), (f) and (h).
        (Arm(70, 56), Arm(80, 48), 0.0524, 0.3339),
        (Arm(10, 9), Arm(10, 3), 0.1705, 0.8090),
        (Arm(10, 10), Arm(20, 0), 0.6791, 1.0),
        (Arm(10, 10), Arm(10, 0), 0.6075, 1.0),
    ],
)
def test_newcombes_own_examples(a: Arm, b: Arm, low: float, high: float) -> None:
    found = newcombe_wilson(a, b)

    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_who_looks_all_the_time_pays_with_a_wider_interval() -> None:
    """Of the same figures the always-valid interval says less, and here still enough."""
    found = lift(TREATED, HELD_OUT, held_out_bp=1_000)

    assert found.always is not None
    assert found.fixed is not None
    assert found.always.low < found.fixed.low < found.fixed.high < found.always.high
    assert found.difference == pytest.approx(0.02687, abs=1e-5)
    assert found.verdict == "better"


@pytest.mark.parametrize(
    ("treated", "held_out", "bp", "verdict"),
    [
        (Arm(0, 0), Arm(0, 0), 1_000, "nobody_yet"),
        (Arm(50, 9), Arm(0, 0), 1_000, "nobody_yet"),
        (Arm(50, 9), Arm(0, 0), 0, "no_holdout"),
        (Arm(20, 20), Arm(10, 0), 1_000, "too_few"),  # a triumph of thirty people is an anecdote
        (Arm(900, 90), Arm(100, 9), 1_000, "no_verdict"),
        (Arm(9_000, 2_700), Arm(1_000, 100), 1_000, "better"),
        (Arm(9_000, 900), Arm(1_000, 300), 1_000, "worse"),
    ],
)
def test_the_verdict(treated: Arm, held_out: Arm, bp: int, verdict: str) -> None:
    assert lift(treated, held_out, held_out_bp=bp).verdict == verdict


def test_looking_again_and_again_at_nothing_finds_nothing() -> None:
    """Four hundred campaigns without any effect, each looked at 25 times: under 5 % are ever called
    better or worse. The fixed interval, looked at as often, is wrong for every fifth."""
    dice = Random(20261122)
    alarms = fixed_alarms = 0
    for _ in range(400):
        treated, held_out = [0, 0], [0, 0]
        called = fixed_called = False
        for _ in range(25):
            for _ in range(200):
                arm = held_out if dice.random() < 0.1 else treated
                arm[0] += 1
                arm[1] += dice.random() < 0.12
            a, b = Arm(*treated), Arm(*held_out)
            called |= lift(a, b, held_out_bp=1_000).verdict in ("better", "worse")
            fixed_called |= not newcombe_wilson(a, b).holds(0)
        alarms += called
        fixed_alarms += fixed_called

    assert alarms / 400 < 0.05
    assert fixed_alarms / 400 > 0.15


arms = st.integers(1, 10**6).flatmap(lambda n: st.builds(Arm, st.just(n), st.integers(0, n)))


@given(a=arms, b=arms)
def test_both_intervals_hold_what_was_seen_and_turn_with_the_arms(a: Arm, b: Arm) -> None:
    for interval in (newcombe_wilson, always_valid):
        found, turned = interval(a, b), interval(b, a)
        assert found.low - 1e-12 <= a.rate - b.rate <= found.high + 1e-12
        assert found.low >= -1 - 1e-12
        assert found.high <= 1 + 1e-12
        assert turned.low == pytest.approx(-found.high, abs=1e-9)


@pytest.mark.parametrize(
    ("treated", "held_out", "bp", "broken"),
    [
        (9_000, 1_000, 1_000, False),
        (9_060, 940, 1_000, False),  # a chance of 4.6 %: happens
        (9_120, 880, 1_000, True),  # 0.006 %
        (50, 0, 1_000, False),  # five expected and none there, 1.8 %: odd, not impossible
        (45, 0, 1_000, False),  # 4.5 expected: too few to say
        (1_000, 0, 0, False),
        (100, 900, 5_000, True),
    ],
)
def test_a_split_that_cannot_be_chance_raises_the_alarm(
    treated: int, held_out: int, bp: int, broken: bool
) -> None:
    assert split_is_broken(treated, held_out, bp) is broken


def test_the_chance_of_a_split_is_the_chi_square_tables() -> None:
    """Chi-square 3.841 with one degree of freedom is 5 %: 941.2 held out of 1,000 expected."""
    assert split_chance(90_000 + 186, 10_000 - 186, 1_000) == pytest.approx(0.05, abs=1e-3)
