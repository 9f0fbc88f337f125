"""A large programme is asked in part: the figure is there at once, is close, and says so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from loyalty.programme import Programme
from storage import tables
from storage.audiences import sampling
from storage.audiences.counting import Counting
from storage.database import Database

NOW = datetime(2026, 10, 3, 4, 0, tzinfo=UTC)
PEOPLE, TEA, GOLD = 3000, 1000, 7


@pytest.fixture
def large(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Three thousand members count as many here; a third like tea, seven are gold."""
    monkeypatch.setattr(sampling, "LARGE", 500)
    monkeypatch.setattr(sampling, "LARGE_TO_LOOK_UP", 400)
    monkeypatch.setattr(sampling, "SAMPLED", 600)
    rows: list[dict[str, Any]] = [
        {
            "id": f"m-{n:05}", "status": "active", "registered_at": NOW - timedelta(days=n % 90),
            "email": f"m{n}@example.com", "locale": "en", "stop_listed": False, "purchases": 0,
            "tier": "gold" if n < GOLD else "ordinary", "tags": ["tea"] if n % 3 == 0 else [],
            "body_hash": "", "answer": {},
        }
        for n in range(PEOPLE)
    ]  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(tables.members), rows)
    return database


def _counting(database: Database, condition: str | None) -> tuple[int, bool, int]:
    with database.read() as connection:
        size = Counting(connection, Programme(), NOW).size(condition)
    return size.count, size.exact, len(size.samples)


@pytest.mark.parametrize(("condition", "truth"), [(None, PEOPLE), ('"tea" in member.tags', TEA)])
def test_some_members_stand_for_all(large: Database, condition: str | None, truth: int) -> None:
    """The same figure each time, not far from the truth, marked as an estimate."""
    count, exact, shown = _counting(large, condition)

    assert not exact
    assert truth * 0.8 < count < truth * 1.2
    assert shown == 10
    assert _counting(large, condition) == (count, exact, shown)


def test_a_small_audience_by_tier_is_counted(large: Database) -> None:
    """Of seven gold members a part would hold one or two, and say nothing about all."""
    assert _counting(large, 'member.tier == "gold"') == (GOLD, True, GOLD)


def test_in_a_small_programme_everybody_is_asked(
    large: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "LARGE_TO_LOOK_UP", PEOPLE)

    assert _counting(large, '"tea" in member.tags') == (TEA, True, 10)


@pytest.mark.parametrize(
    ("condition", "exact"),
    [
        (None, True),
        ('member.tier == "ordinary"', True),
        ("member.points >= 0", False),
        ('member.tier == "ordinary" && member.spend_within["30"] == 0', False),
    ],
)
def test_in_one_of_middling_size_what_must_be_looked_up_is_estimated(
    large: Database, monkeypatch: pytest.MonkeyPatch, condition: str | None, exact: bool
) -> None:
    """What the members' own rows say is counted there; nobody waits for all their receipts."""
    monkeypatch.setattr(sampling, "LARGE", PEOPLE)

    count, counted, shown = _counting(large, condition)

    assert (counted, shown) == (exact, 10)
    assert count in (PEOPLE, PEOPLE - GOLD) if exact else PEOPLE * 0.8 < count < PEOPLE * 1.2
