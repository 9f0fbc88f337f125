"""What operators and members look at: runs, timelines, what is stuck, what was said and done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, insert

from loyalty.ports import Transaction
from loyalty.records import CardHeld
from storage import tables
from storage.database import Database
from storage.queries.operations import outbox_lag
from storage.queries.runs import stuck
from storage.reads import SqlReads
from storage.store import SqlStore
from tests.storage.rows import NOON, StillClock, decision, enrolment, member

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
    gone_by = {"state": "waiting", "wake_at": NOON - MINUTE}

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
    _mark(database, enrolment("sent").id, sent_at=NOON)
    _mark(database, enrolment("dead").id, dead_at=NOON)

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
    _put(database, tables.messages, _message("m1", enrolment_id=lee.id, body="secret"))
    for verdict in ("defer", "send"):
        spoken = {"message_key": "m1", "verdict": verdict, "reason": "allowed", "at": NOON}
        _put(database, tables.contact_verdicts, spoken)

    found = reads.run(lee.id)

    assert found is not None
    assert found["state"] == "admitted"
    assert [one.key for one in found["decisions"]] == ["k2", "k1"]
    (wait,) = found["waits"]
    assert (wait["event_type"], wait["closes_at"]) == ("purchase", NOON + 2 * DAY)
    (asked,) = found["commands"]
    assert (asked["command"], asked["actor"], asked["done_at"]) == ("skip", "olga", NOON)
    (message,) = found["messages"]
    assert [said["verdict"] for said in message["verdicts"]] == ["defer", "send"]
    assert "body" not in message
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


def test_a_member_is_shown_with_what_they_were_given(store: SqlStore, reads: SqlReads) -> None:
    """Consents, cards, coupons and journeys, and nothing of how the row came about."""

    def prepare(tx: Transaction) -> None:
        tx.members.add(member(name="李雷"), "h" * 64, {"answer": 1})
        tx.members.set_consent("lee", "email", "marketing", True)
        tx.cards.add(CardHeld("k1", "lee", 20_000, NOON, NOON + DAY, "spring"))
        tx.cards.coupon("k2", "lee", "spring", "soup", NOON + DAY)
        tx.enrolments.add(enrolment())
        tx.enrolments.add(enrolment(member_id="han"))

    store.run(prepare)

    found = reads.member_view("lee")
    assert found is not None
    assert (found["name"], found["tags"]) == ("李雷", ["new"])
    assert not {"body_hash", "answer"} & set(found)
    assert found["consents"] == [
        {"channel": "email", "purpose": "marketing", "granted": True, "at": NOON}
    ]
    assert [card["multiplier_bp"] for card in found["cards"]] == [20_000]
    assert [coupon["kind"] for coupon in found["coupons"]] == ["soup"]
    assert [journey["id"] for journey in found["journeys"]] == ["j/spring/lee/once"]
    assert reads.member_view("nobody") is None


def test_a_members_inbox_goes_back_in_pages(database: Database, reads: SqlReads) -> None:
    """Newest first, also when several came at the same instant; what was not sent is not there."""
    sent = {"status": "sent", "body": "您好"}
    for key, minutes in (("m1", 1), ("m2", 2), ("m3", 2), ("m4", 3)):
        _put(database, tables.messages, _message(key, **sent, sent_at=NOON + minutes * MINUTE))
    _put(database, tables.messages, _message("mail", **sent, channel="email", sent_at=NOON))
    _put(database, tables.messages, _message("queued", status="queued", sent_at=None))
    _put(database, tables.messages, _message("theirs", **sent, member_id="han", sent_at=NOON))

    def page(after: str) -> list[str]:
        return [row["key"] for row in reads.inbox_of("lee", after=after, limit=2)]

    assert (page(""), page("m2"), page("m1")) == (["m4", "m2"], ["m3", "m1"], [])


def test_a_transaction_is_shown_with_its_entries(store: SqlStore, reads: SqlReads) -> None:
    """Every movement of points has two sides, which add up to nothing."""

    def earn(tx: Transaction) -> None:
        tx.members.add(member(), "h" * 64, {})
        tx.ledger.earn("e1", "lee", 119, meta={"receipt": "r1"})

    store.run(earn)

    found = reads.transaction("e1")
    assert found is not None
    assert found["kind"] == "earn"
    assert sum(entry["amount"] for entry in found["entries"]) == 0
    assert 119 in [entry["amount"] for entry in found["entries"]]
    assert [line.amount for line in reads.statement("lee", before=None, limit=5)] == [119]
    assert reads.transaction("e2") is None


def test_the_audit_trail_of_a_thing_reads_backwards(store: SqlStore, reads: SqlReads) -> None:
    """The latest act stands first, and pages go back from there."""

    def act(tx: Transaction) -> None:
        for action in ("launch", "pause", "resume"):
            tx.audit.add("mia", action, "spring", "because")
        tx.audit.add("mia", "launch", "autumn")

    store.run(act)

    newest = reads.audit_of("spring", before=None, limit=2)
    oldest = reads.audit_of("spring", before=newest[-1]["id"], limit=2)
    assert [row["action"] for row in (*newest, *oldest)] == ["resume", "pause", "launch"]


def test_the_relays_lag_counts_what_is_due(store: SqlStore, database: Database) -> None:
    """What is sent, given up on, or not due yet is no lag."""

    def queue(tx: Transaction) -> None:
        for name in ("sent", "dead", "due", "later"):
            due = NOON + DAY if name == "later" else NOON - 2 * MINUTE
            tx.outbox.add("nudge_journey", name, {"reason": "event"}, available_at=due)

    store.run(queue)
    _mark(database, "sent", sent_at=NOON)
    _mark(database, "dead", dead_at=NOON)

    with database.read() as connection:
        lag = outbox_lag(connection, NOON)
        none = outbox_lag(connection, NOON - DAY)
    assert lag == {"due": 1, "oldest_at": NOON - 2 * MINUTE, "seconds": 120.0, "dead": 1}
    assert none == {"due": 0, "oldest_at": None, "seconds": 0.0, "dead": 1}


def _message(key: str, **changes: Any) -> dict[str, Any]:
    plain = {
        "key": key,
        "member_id": "lee",
        "message": "welcome",
        "channel": "inbox",
        "purpose": "marketing",
        "locale": "zh",
        "variables": {},
        "status": "queued",
        "created_at": NOON,
        "due_at": NOON,
    }
    return plain | changes


def _put(database: Database, table: Table, row: dict[str, Any]) -> None:
    with database.write() as connection:
        connection.execute(insert(table), row)


def _mark(database: Database, workflow_id: str, **changes: Any) -> None:
    with database.write() as connection:
        table = tables.outbox
        connection.execute(
            table.update().where(table.c.workflow_id == workflow_id).values(**changes)
        )
