"""Runs as operators see them: found, taken apart, and called stuck only when they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from loyalty.ports import Transaction
from storage import tables
from storage.database import Database
from storage.queries.runs import stuck
from storage.reads import SqlReads
from storage.store import SqlStore
from tests.storage.rows import NOON, StillClock, decision, enrolment, mark, message, put

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    member_id: str | None = None
    campaign_id: str | None = None
    state: str | None = None
    stuck: bool = False
    after: str = ""
    limit: int = 50


@pytest.fixture
def reads(database: Database, clock: StillClock) -> SqlReads:
    return SqlReads(database, clock)


def test_runs_are_found_by_member_campaign_and_state(store: SqlStore, reads: SqlReads) -> None:
    """Each thing asked for narrows the list; pages follow each other by id."""

    def prepare(tx: Transaction) -> None:
        tx.enrolments.add(enrolment("a", "ada"))
        tx.enrolments.add(enrolment("b", "ada", state="ended", outcome="completed"))
        tx.enrolments.add(enrolment("a", "bea"))
        tx.enrolments.add(enrolment("a", "cem", id="j/x/cem/a", campaign_id="x"))

    store.run(prepare)

    def found(**asked: Any) -> list[str]:
        return [row["id"] for row in reads.search_runs(Asked(**asked))]

    assert found(member_id="ada") == ["j/spring/ada/a", "j/spring/ada/b"]
    assert found(member_id="ada", state="admitted") == ["j/spring/ada/a"]
    assert found(campaign_id="x") == ["j/x/cem/a"]
    assert found(limit=2) == ["j/spring/ada/a", "j/spring/ada/b"]
    assert found(limit=2, after="j/spring/ada/b") == ["j/spring/bea/a", "j/x/cem/a"]
    assert found(member_id="nobody") == []


def test_a_run_is_stuck_when_nothing_will_wake_it(store: SqlStore, database: Database) -> None:
    """Ended, held, sleeping and queued runs are fine; a wake-up gone by, or given up on, is not."""
    gone_by: dict[str, Any] = {"state": "waiting", "wake_at": NOON - MINUTE}

    def prepare(tx: Transaction) -> None:
        tx.enrolments.add(enrolment("ended", state="ended", wake_at=NOON - DAY))
        tx.enrolments.add(enrolment("held", state="held"))
        tx.enrolments.add(enrolment("sleeping", state="waiting", wake_at=NOON + MINUTE))
        tx.enrolments.add(enrolment("overdue", **gone_by))
        tx.enrolments.add(enrolment("forgotten", admitted_at=NOON - DAY))
        for entry in ("queued", "sent", "dead"):
            tx.enrolments.add(enrolment(entry, **gone_by))
            tx.outbox.add("nudge_journey", enrolment(entry).id, {"reason": "event"})

    store.run(prepare)
    mark(database, enrolment("sent").id, sent_at=NOON)
    mark(database, enrolment("dead").id, dead_at=NOON)

    with database.read() as connection:
        entries = [row["id"].rsplit("/", 1)[1] for row in stuck(connection, NOON)]
    assert entries == ["dead", "forgotten", "overdue", "sent"]


def test_a_run_that_is_being_worked_on_is_not_called_stuck(
    store: SqlStore, reads: SqlReads, clock: StillClock
) -> None:
    """Operators see a run as stuck only ten minutes after what should have woken it."""
    store.run(lambda tx: tx.enrolments.add(enrolment(state="waiting", wake_at=NOON)))

    def shown(at: datetime) -> int:
        clock.instant = at
        return len(reads.search_runs(Asked(stuck=True)))

    assert shown(NOON + 9 * MINUTE) == 0
    assert shown(NOON + 10 * MINUTE) == 1


def test_a_run_is_shown_with_all_that_belongs_to_it(
    store: SqlStore, database: Database, reads: SqlReads
) -> None:
    """Decisions in their order, messages with verdicts, the open wait and what operators asked."""
    lee = enrolment()

    def prepare(tx: Transaction) -> None:
        tx.enrolments.add(lee)
        tx.decisions.add(decision("k2", enrolment_id=lee.id, at=NOON))
        tx.decisions.add(decision("k1", enrolment_id=lee.id, at=NOON, until=NOON + DAY))
        tx.decisions.add(decision("k3", enrolment_id="j/spring/han/once"))
        tx.enrolments.open_wait(lee, ["purchase"], NOON, NOON + DAY, NOON + 2 * DAY)
        done = tx.enrolments.add_command(lee.id, "skip", "shop was shut", "olga")
        tx.enrolments.command_done(done)

    store.run(prepare)
    put(database, tables.messages, message("m1", enrolment_id=lee.id, body="secret"))
    for verdict in ("defer", "send"):
        spoken = {"message_key": "m1", "verdict": verdict, "reason": "allowed", "at": NOON}
        put(database, tables.contact_verdicts, spoken)

    found = reads.run(lee.id)

    assert found is not None
    assert found["state"] == "admitted"
    assert [one.key for one in found["decisions"]] == ["k2", "k1"]
    (wait,) = found["waits"]
    assert (wait["event_type"], wait["closes_at"]) == ("purchase", NOON + 2 * DAY)
    (asked,) = found["commands"]
    assert (asked["command"], asked["actor"], asked["done_at"]) == ("skip", "olga", NOON)
    (told,) = found["messages"]
    assert [said["verdict"] for said in told["verdicts"]] == ["defer", "send"]
    assert "body" not in told
    assert reads.run("j/spring/nobody/once") is None


def test_a_member_who_was_not_admitted_can_be_told_why(store: SqlStore, reads: SqlReads) -> None:
    """Decisions are found by member and campaign, with or without a run, oldest first."""

    def prepare(tx: Transaction) -> None:
        tx.decisions.add(decision("z", verdict="not_admitted", reason="not_in_audience"))
        tx.decisions.add(decision("a", enrolment_id="j/spring/lee/once"))
        tx.decisions.add(decision("b", member_id="han"))
        tx.decisions.add(decision("c", campaign_id="other"))

    store.run(prepare)

    assert [one.key for one in reads.decisions_of("lee", "spring")] == ["z", "a"]
