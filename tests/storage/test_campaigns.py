"""Campaigns: versions never change, budgets are never overspent, however many grab at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from loyalty.errors import WrongState
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.records import Campaign
from storage.database import Database
from storage.store import SqlStore
from tests.storage.rows import NOON, StillClock, campaign, version


def test_a_version_comes_back_as_compiled(store: SqlStore, database: Database) -> None:
    """Plan, texts and values survive the database exactly, also in another process."""
    store.run(lambda tx: tx.campaigns.add_version(version()))
    elsewhere = SqlStore(database, StillClock(), Programme())

    assert elsewhere.read(lambda tx: tx.campaigns.version("spring", 1)) == version()


def test_a_version_is_parsed_once(store: SqlStore) -> None:
    """Every turn of a journey works with the one plan that was read first."""
    store.run(lambda tx: tx.campaigns.add_version(version()))
    read: Callable[[Transaction], object] = lambda tx: tx.campaigns.version("spring", 1)  # noqa: E731

    assert store.read(read) is store.read(read)


def test_a_version_is_never_written_over(store: SqlStore) -> None:
    """A second version 1 is refused, and the first stays what running members started with."""
    store.run(lambda tx: tx.campaigns.add_version(version()))

    with pytest.raises(WrongState, match="versions never change"):
        store.run(lambda tx: tx.campaigns.add_version(version(plan_hash="q" * 64)))

    assert store.read(lambda tx: tx.campaigns.version("spring", 1)) == version()


def test_a_version_that_was_not_committed_is_forgotten(store: SqlStore) -> None:
    """A draft that broke off leaves nothing behind: the next version 1 is the one that counts."""

    def broken(tx: Transaction) -> None:
        tx.campaigns.add_version(version(plan_hash="q" * 64))
        assert tx.campaigns.version("spring", 1).plan_hash == "q" * 64
        raise ValueError("broke off")

    with pytest.raises(ValueError, match="broke off"):
        store.run(broken)
    store.run(lambda tx: tx.campaigns.add_version(version()))

    assert store.read(lambda tx: tx.campaigns.version("spring", 1)) == version()


def test_saving_a_campaign_never_puts_back_the_budget(store: SqlStore) -> None:
    """A turn that saves its position does not undo what journeys spent meanwhile."""
    store.run(lambda tx: tx.campaigns.add(campaign(budget_points=1000)))
    stale = _campaign(store)
    store.run(lambda tx: tx.campaigns.reserve("spring", 300))
    store.run(lambda tx: tx.campaigns.spend("spring", granted=200, reserved=-200))

    moved = replace(stale, position={"after": "lee"}, turn=3, wake_at=NOON, state="paused")
    store.run(lambda tx: tx.campaigns.save(moved))

    assert _campaign(store) == replace(moved, granted_points=200, reserved_points=100)


def test_a_budget_is_given_out_to_the_last_point_and_no_further(store: SqlStore) -> None:
    """What fits exactly is reserved; one point more is refused, and nothing changes."""
    store.run(lambda tx: tx.campaigns.add(campaign(budget_points=1000)))
    store.run(lambda tx: tx.campaigns.spend("spring", granted=400, reserved=0))

    assert store.run(lambda tx: tx.campaigns.reserve("spring", 601)) is False
    assert store.run(lambda tx: tx.campaigns.reserve("spring", 600)) is True
    assert store.run(lambda tx: tx.campaigns.reserve("spring", 1)) is False
    assert _campaign(store).reserved_points == 600


def test_without_a_limit_there_is_always_room(store: SqlStore) -> None:
    """A campaign without a budget counts what it reserves and refuses nobody."""
    store.run(lambda tx: tx.campaigns.add(campaign()))

    assert store.run(lambda tx: tx.campaigns.reserve("spring", 10**12)) is True
    assert _campaign(store).reserved_points == 10**12


def test_a_hundred_at_once_never_overspend(store: SqlStore) -> None:
    """A hundred members are admitted at the same moment; the budget has room for seven."""
    store.run(lambda tx: tx.campaigns.add(campaign(budget_points=3_999)))

    with ThreadPoolExecutor(100) as crowd:
        reserve = lambda _: store.run(lambda tx: tx.campaigns.reserve("spring", 500))  # noqa: E731
        answers = list(crowd.map(reserve, range(100)))

    assert answers.count(True) == 7
    assert _campaign(store).reserved_points == 3_500


def test_an_event_finds_the_campaigns_it_opens(store: SqlStore) -> None:
    """Paused campaigns still take members in; drafts, stopped ones and other entries do not."""

    def prepare(tx: Transaction) -> None:
        by_purchase = {"enter": {"on": "purchase"}}
        monthly = {"enter": {"every": "month"}}
        for id, state, body in (
            ("a_second", "launched", version().body),
            ("draft", "draft", version().body),
            ("monthly", "launched", monthly),
            ("paused", "paused", version().body),
            ("purchase", "launched", by_purchase),
            ("stopped", "stopped", version().body),
            ("spring", "launched", version().body),
        ):
            tx.campaigns.add(campaign(id, state=state))
            tx.campaigns.add_version(version(id, body=body))
        tx.campaigns.save(campaign("spring", version=2))
        tx.campaigns.add_version(version("spring", 2))

    store.run(prepare)

    def opened(by: str) -> list[tuple[str, int]]:
        found = store.read(lambda tx: tx.campaigns.entered_by(by))
        assert all(one.version == ours.version for one, ours in found)
        return [(one.id, ours.version) for one, ours in found]

    assert opened("member.registered") == [("a_second", 1), ("paused", 1), ("spring", 2)]
    assert opened("purchase") == [("purchase", 1)]
    assert opened("review") == []


def _campaign(store: SqlStore) -> Campaign:
    found = store.read(lambda tx: tx.campaigns.get("spring"))
    assert found is not None
    return found
