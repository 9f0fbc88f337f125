"""What members and operators look at: the member, the inbox, the books, the trail, the line."""

from datetime import timedelta
from typing import Any

import pytest

from api.reads import ActSearch
from loyalty.ports import Transaction
from loyalty.records import CardHeld
from storage import tables
from storage.database import Database
from storage.queries.operations import outbox_lag
from storage.reads import SqlReads
from storage.store import SqlStore
from tests.storage.rows import NOON, StillClock, enrolment, mark, member, message, put

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def reads(database: Database, clock: StillClock) -> SqlReads:
    return SqlReads(database, clock)


def test_a_member_is_shown_with_what_they_were_given(store: SqlStore, reads: SqlReads) -> None:
    """Consents, cards, coupons and runs, and nothing of how the row came about."""

    def prepare(tx: Transaction) -> None:
        tx.members.add(member(name="李雷"), "h" * 64, {"answer": 1})
        tx.members.set_consent("lee", "email", "marketing", True, "registration")
        tx.cards.add(CardHeld("k1", "lee", 20_000, NOON, NOON + DAY, "spring"))
        tx.cards.coupon("k2", "lee", "spring", "soup", NOON + DAY)
        tx.enrolments.add(enrolment())
        tx.enrolments.add(enrolment(member_id="han"))

    store.run(prepare)

    found = reads.member_view("lee")
    assert found is not None
    assert (found["name"], found["tags"]) == ("李雷", ["new"])
    assert not {"body_hash", "answer"} & set(found)
    said = {"channel": "email", "purpose": "marketing", "granted": True, "at": NOON}
    assert found["consents"] == [{**said, "source": "registration"}]
    page: dict[str, Any] = {"after": "", "limit": 5}
    given = reads.of_member
    assert [card["multiplier_bp"] for card in given.cards("lee", **page)] == [20_000]
    assert [coupon["kind"] for coupon in given.coupons("lee", **page)] == ["soup"]
    assert [run["id"] for run in given.runs("lee", **page)] == ["j/spring/lee/once"]
    assert reads.member_view("nobody") is None


def test_a_members_inbox_goes_back_in_pages(database: Database, reads: SqlReads) -> None:
    """Newest first, also when several came at the same instant; what was not sent is not there."""
    sent = {"status": "sent", "body": "您好"}
    for key, minutes in (("m1", 1), ("m2", 2), ("m3", 2), ("m4", 3)):
        put(database, tables.messages, message(key, **sent, sent_at=NOON + minutes * MINUTE))
    put(database, tables.messages, message("mail", **sent, channel="email", sent_at=NOON))
    put(database, tables.messages, message("queued", status="queued", sent_at=None))
    put(database, tables.messages, message("theirs", **sent, member_id="han", sent_at=NOON))

    def page(after: str) -> list[str]:
        return [row["key"] for row in reads.inbox_of("lee", after=after, limit=2)]

    assert (page(""), page("m2"), page("m1")) == (["m4", "m2"], ["m3", "m1"], [])


def test_a_transaction_is_shown_with_its_entries(store: SqlStore, reads: SqlReads) -> None:
    """Every movement of points names both of its sides."""

    def earn(tx: Transaction) -> None:
        tx.members.add(member(), "h" * 64, {})
        tx.ledger.earn("e1", "lee", 119, meta={"receipt": "r1"})

    store.run(earn)

    found = reads.transaction("e1")
    assert found is not None
    assert found["kind"] == "earn"
    [entry] = found["entries"]
    assert (entry["account_id"], entry["contra"], entry["amount"]) == (
        "member:lee",
        "issuance",
        119,
    )
    assert (found["meta"], found["moves"][0]["amount"]) == ({"receipt": "r1"}, 119)
    assert [line.amount for line in reads.statement("lee", before=None, limit=5)] == [119]
    assert reads.transaction("e2") is None


def test_the_audit_trail_of_a_thing_reads_backwards(store: SqlStore, reads: SqlReads) -> None:
    """The latest act stands first, and pages go back from there."""

    def act(tx: Transaction) -> None:
        for action in ("launch", "pause", "resume"):
            tx.audit.add("mia", action, "spring", "because")
        tx.audit.add("mia", "launch", "autumn")

    store.run(act)

    newest = reads.acts(ActSearch(target="spring", limit=2))
    oldest = reads.acts(ActSearch(target="spring", before=newest[-1]["id"], limit=2))
    assert [row["action"] for row in (*newest, *oldest)] == ["resume", "pause", "launch"]


def test_the_relays_lag_counts_what_is_due(store: SqlStore, database: Database) -> None:
    """What is sent, given up on, or not due yet is no lag."""

    def queue(tx: Transaction) -> None:
        for name in ("sent", "dead", "due", "later"):
            due = NOON + DAY if name == "later" else NOON - 2 * MINUTE
            tx.outbox.add("nudge_journey", name, {"reason": "event"}, available_at=due)

    store.run(queue)
    mark(database, "sent", sent_at=NOON)
    mark(database, "dead", dead_at=NOON)

    with database.read() as connection:
        lag = outbox_lag(connection, NOON)
        none = outbox_lag(connection, NOON - DAY)
    assert lag == {"due": 1, "oldest_at": NOON - 2 * MINUTE, "seconds": 120.0, "dead": 1}
    assert none == {"due": 0, "oldest_at": None, "seconds": 0.0, "dead": 1}
