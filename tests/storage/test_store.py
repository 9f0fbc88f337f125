"""One transaction: all of it or nothing, judged by one instant."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from loyalty.errors import Unknown
from loyalty.ports import Transaction
from storage.store import SqlStore
from tests.storage.rows import NOON, StillClock, decision, enrolment, member


def test_everything_in_a_transaction_happens_or_nothing_does(store: SqlStore) -> None:
    """When a use case breaks off half-way, the member it had begun to write is not there."""

    def half(tx: Transaction) -> None:
        tx.members.add(member(), "h" * 64, {})
        raise ValueError("the till caught fire")

    with pytest.raises(ValueError, match="till"):
        store.run(half)

    assert store.read(lambda tx: tx.members.get("lee")) is None


def test_a_transaction_judges_by_one_instant(store: SqlStore, clock: StillClock) -> None:
    """Time does not pass inside a transaction, however long it takes."""

    def twice(tx: Transaction) -> tuple[object, object]:
        before = tx.now
        clock.instant = NOON.replace(hour=18)
        return before, tx.now

    assert store.run(twice) == (NOON, NOON)
    assert store.run(lambda tx: tx.now) == NOON.replace(hour=18)


def test_a_turn_may_judge_by_its_due_instant(store: SqlStore) -> None:
    """A late turn is judged by the instant it was due, not by the clock."""
    due = NOON.replace(day=1)

    assert store.run(lambda tx: tx.now, now=due) == due


def test_what_is_not_there_is_named(store: SqlStore) -> None:
    """Locking a member, campaign, enrolment or version that does not exist says which one."""
    for lock, kind in (
        (lambda tx: tx.members.lock("nobody"), "member"),
        (lambda tx: tx.campaigns.lock("nobody"), "campaign"),
        (lambda tx: tx.enrolments.lock("nobody"), "enrolment"),
        (lambda tx: tx.campaigns.version("nobody", 1), "campaign version"),
    ):
        with pytest.raises(Unknown) as refused:
            store.run(lock)
        assert refused.value.facts["kind"] == kind


def test_a_decision_is_made_once(store: SqlStore) -> None:
    """A repeated act finds its decision there, unchanged, and no error."""
    store.run(lambda tx: tx.decisions.add(decision("spring/lee/welcome")))
    store.run(lambda tx: tx.decisions.add(decision("spring/lee/welcome", verdict="refused")))

    found = store.read(lambda tx: tx.decisions.find("spring/lee/welcome"))
    assert found == decision("spring/lee/welcome")
    assert store.read(lambda tx: tx.decisions.find("spring/lee/other")) is None


def test_of_twenty_who_decide_at_once_one_is_kept(store: SqlStore) -> None:
    """However many carry out the same effect at the same moment, it has one reason for good."""
    reasons = [decision("k", verdict=f"verdict-{n}") for n in range(20)]
    with ThreadPoolExecutor(20) as crowd:
        list(crowd.map(lambda each: store.run(lambda tx: tx.decisions.add(each)), reasons))

    kept = store.read(lambda tx: tx.decisions.find("k"))
    store.run(lambda tx: tx.decisions.add(decision("k", verdict="later")))
    assert kept in reasons
    assert store.read(lambda tx: tx.decisions.find("k")) == kept


def test_the_latest_turns_outcome_is_kept_for_repeats(store: SqlStore) -> None:
    """A turn that is asked for again answers what it answered before."""
    outcome = {"ended": False, "wake_at": NOON.isoformat(), "next_turn": 3}

    def work(tx: Transaction) -> None:
        enrolled = enrolment()
        tx.members.add(member(), "h", {})
        tx.enrolments.add(enrolled)
        tx.enrolments.save(replace(enrolled, turn=3, last_outcome=outcome))

    store.run(work)

    kept = store.read(lambda tx: tx.enrolments.get(enrolment().id))
    assert kept is not None
    assert (kept.turn, kept.last_outcome) == (3, outcome)
