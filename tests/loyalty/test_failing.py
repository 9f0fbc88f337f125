"""Which part of a condition fails: cut where people would cut it, and nowhere else."""

import pytest

from loyalty.conditions import MEMBER
from loyalty.failing import failing, joined

FACTS = {
    "member.points": 20,
    "member.purchases": 3,
    "member.tier": "gold",
    "member.tags": ["new"],
}


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("a > 1", ["a > 1"]),
        ("(a > 1) && (true) && (b < 2)", ["a > 1", "b < 2"]),
        ("((a && b)) && (c)", ["a", "b", "c"]),
        ("(a) || (b)", ["(a) || (b)"]),
        ("(a || b) && c", ["a || b", "c"]),
        ("a && b || c", ["a && b || c"]),
        ("!(a && b) && c", ["!(a && b)", "c"]),
        ("a ? b && c : d", ["a ? b && c : d"]),
        ('(member.tier == "x && )") && b', ['member.tier == "x && )"', "b"]),
        ("true", []),
    ],
)
def test_a_condition_is_cut_at_its_outermost_and(written: str, parts: list[str]) -> None:
    """Brackets, quotation marks and a weaker `||` keep their parts together."""
    assert list(joined(written)) == parts


def test_the_failing_part_comes_with_the_members_own_figure() -> None:
    """What holds is not spoken of, nor is what the shop notes about the person (rule 19)."""
    audience = 'member.purchases > 0 && member.points >= 500 && "vip" in member.tags'

    assert failing(audience, MEMBER, FACTS) == [
        {"rule": "member.points >= 500", "seen": {"member.points": 20}},
        {"rule": '"vip" in member.tags', "seen": {}},
    ]


def test_where_all_ways_fail_they_are_one_part() -> None:
    """Nobody can say which of two ways the member should have taken."""
    [part] = failing('member.tier == "black" || member.points > 99', MEMBER, FACTS)

    assert part["seen"] == {"member.points": 20, "member.tier": "gold"}
