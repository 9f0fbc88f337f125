"""An operator on the telephone has one thing at hand: whatever it is, it leads to the member."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from loyalty.finding import Sought, sought
from loyalty.ports import Transaction
from storage import tables
from storage.database import Database
from storage.queries.find import find
from storage.reads import SqlReads
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock, campaign, enrolment, put, version


@pytest.fixture
def reads(database: Database, clock: StillClock) -> SqlReads:
    return SqlReads(database, clock)


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> FrontDesk:
    """Lee has a card, a phone and an address, a receipt, a run and a claim."""
    desk = FrontDesk(store, clock)
    desk.joins(
        "lee", name="Lee", phone="+86 138 0013 8000", email="Lee@Example.com", card_no="C-77"
    )
    desk.joins("han", email="han@example.com")
    desk.buys("lee", "2026-10-03/000481", ("grocery", 10_000))
    desk.buys("han", "000481", ("grocery", 10_000))

    def more(tx: Transaction) -> None:
        tx.campaigns.add(campaign("spring", name="Spring 50% for all"))
        tx.campaigns.add_version(version())
        tx.enrolments.add(enrolment())

    store.run(more)
    put(store.database, tables.claims, claim())
    put(store.database, tables.offers, offer())
    return desk


def claim() -> dict[str, Any]:
    return {
        "id": "spring/web-1", "offer_id": "spring", "member_id": "lee", "request_id": "web-1",
        "body_hash": "h", "quantity": 1, "points": 10, "status": "reserved", "reserved_at": NOON,
        "expires_at": NOON + timedelta(hours=1), "hold_id": "claim:spring:web-1",
    }  # fmt: skip


def offer() -> dict[str, Any]:
    return {
        "id": "spring", "title": {"en": "Cup", "zh": "杯"}, "sku": "CUP", "points": 10,
        "stock": 5, "remaining": 4, "per_member": 1, "hold_seconds": 900, "opens_at": NOON,
        "closes_at": NOON + timedelta(days=1), "state": "open",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "kind", "by", "leads_to"),
    [
        ("lee", "member", "id", "lee"),
        ("C-77", "member", "card", "lee"),
        ("138 0013 8000", "member", "phone", "lee"),
        ("+86-138-0013-8000", "member", "phone", "lee"),
        ("Lee@Example.com", "member", "email", "lee"),
        ("HAN@example.com", "member", "email", "han"),
        ("  lee ", "member", "id", "lee"),
        ("2026-10-03/000481", "receipt", "number", "till:2026-10-03/000481"),
        ("purchase:till:000481", "transaction", "id", "purchase:till:000481"),
        ("spring", "campaign", "id", "spring"),
        ("sPRing 50%", "campaign", "name", "spring"),
        ("j/spring/lee/once", "run", "id", "j/spring/lee/once"),
        ("spring/web-1", "claim", "id", "spring/web-1"),
        ("web-1", "claim", "number", "spring/web-1"),
    ],
)
def test_whatever_is_at_hand_leads_somewhere(
    desk: FrontDesk, reads: SqlReads, typed: str, kind: str, by: str, leads_to: str
) -> None:
    """One hit, of the right kind, that says by what it was found."""
    [hit] = reads.find(sought(typed, "86"))

    assert (hit["kind"], hit["by"], hit["id"]) == (kind, by, leads_to)


def test_a_receipt_names_its_member_and_its_posting(desk: FrontDesk, reads: SqlReads) -> None:
    [hit] = reads.find(sought("000481", "86"))

    assert (hit["member_id"], hit["title"]) == ("han", "purchase")
    assert hit["detail"] == "purchase:till:000481"


@pytest.mark.parametrize("typed", ["nobody", "%", "50%", "_ee", "139 0000 0000", "x@example.com"])
def test_what_is_not_there_is_not_guessed(desk: FrontDesk, reads: SqlReads, typed: str) -> None:
    """No part of a name, no sign that means anything: an exact look-up finds nothing."""
    assert reads.find(sought(typed, "86")) == []


def test_an_old_id_leads_to_who_lives_on(desk: FrontDesk, store: SqlStore, reads: SqlReads) -> None:
    """Two cards of one person end on one page."""
    with store.database.write() as connection:
        connection.execute(
            tables.members.update()
            .where(tables.members.c.id == "han")
            .values(status="merged", merged_into="lee")
        )

    assert [hit["id"] for hit in reads.find(sought("han", "86"))] == ["lee"]


def test_many_hits_are_cut_short(database: Database, reads: SqlReads) -> None:
    """A name that forty campaigns begin with shows twenty."""
    with database.write() as connection:
        connection.execute(
            insert(tables.campaigns),
            [
                {
                    "id": f"c{n:02}", "name": f"Summer {n:02}", "template": "t", "state": "draft",
                    "version": 1, "created_at": NOON, "position": {},
                }
                for n in range(40)
            ],
        )  # fmt: skip

    assert len(reads.find(sought("summer", "86"))) == 20


def test_nothing_found_says_what_was_tried() -> None:
    """Only look-ups that the text allows were made."""
    assert "phone" in sought("13800138000", "86").tried
    assert "phone" not in sought("lee", "86").tried
    assert "email" in sought("a@b.c", "86").tried
    assert sought(" ", "86") == Sought("")


def test_no_look_up_walks_a_table(new_database: Any) -> None:
    """SQLite says how it goes about each statement; only campaigns, which are few, are read."""
    database = new_database("sqlite")
    plans: list[str] = []
    with database.read() as connection:
        execute = connection.execute

        def explained(query: Any, *more: Any) -> Any:
            written = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
            plans.extend(row[3] for row in execute(text(f"EXPLAIN QUERY PLAN {written}")))
            return execute(query, *more)

        connection.execute = explained
        find(connection, sought("13800138000", "86"))
        find(connection, sought("lee@example.com", "86"))

    assert any("ix_members_phone_digits" in plan for plan in plans)
    walked = {plan for plan in plans if plan.startswith("SCAN")}
    # The recursive walk over sources is a scan of what it made itself.
    allowed = ("SCAN campaigns", "SCAN sources", "SCAN CONSTANT", "SCAN offers")
    assert [plan for plan in walked if not plan.startswith(allowed)] == []
