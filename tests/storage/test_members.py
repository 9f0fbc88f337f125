"""Members' rows come back as they were saved, and audiences see the active ones in order."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy import select, text

from loyalty.errors import Invalid
from loyalty.member_details import DetailsChange, change_details
from loyalty.ports import Transaction, Wants
from loyalty.programme import Programme
from loyalty.records import CardHeld
from loyalty.registration import Registration, register
from storage import tables
from storage.database import Database
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.line import PATIENCE, plugged
from tests.storage.rows import NOON, StillClock, member


def test_a_member_comes_back_as_registered(store: SqlStore) -> None:
    """Every field survives, also tags, a birthday and an instant of microseconds."""
    lee = member(
        tags=("vip", "早起"),
        source="wechat",
        name="李雷",
        email="lee@example.com",
        birthday=date(1990, 2, 28).isoformat(),
        time_zone="Asia/Urumqi",
        inviter_id="han",
        stop_listed=True,
        first_purchase_at=NOON.replace(microsecond=1),
        last_purchase_at=NOON.replace(microsecond=999_999),
        purchases=2,
        spend_minor=9_000_000_000,
    )
    store.run(lambda tx: tx.members.add(lee, "h" * 64, {"points": 500}))

    assert store.read(lambda tx: tx.members.get("lee")) == lee
    assert store.read(lambda tx: tx.members.stored("lee")) == ("h" * 64, {"points": 500})
    assert store.read(lambda tx: tx.members.stored("han")) is None


def test_saving_a_member_keeps_the_first_answer(store: SqlStore) -> None:
    """What a member becomes later does not change what their registration answered."""
    store.run(lambda tx: tx.members.add(member(), "h" * 64, {"points": 500}))

    def buy(tx: Transaction) -> None:
        lee = tx.members.lock("lee")
        tx.members.save(replace(lee, purchases=lee.purchases + 1, tags=("old",)))

    store.run(buy)

    assert store.read(lambda tx: tx.members.get("lee")) == member(purchases=1, tags=("old",))
    assert store.read(lambda tx: tx.members.stored("lee")) == ("h" * 64, {"points": 500})


def test_audiences_page_through_active_members(store: SqlStore) -> None:
    """A page starts after the last member of the page before, and leaves out who has left."""

    def register(tx: Transaction) -> None:
        for id in ("dan", "ada", "cem", "bea"):
            status = "left" if id == "bea" else "active"
            tx.members.add(member(id, status=status), "h" * 64, {})

    store.run(register)

    def pages(tx: Transaction) -> list[str]:
        first = tx.members.page("", 2)
        second = tx.members.page(first[-1].id, 2)
        return [m.id for m in first] + ["|"] + [m.id for m in second]

    assert store.read(pages) == ["ada", "cem", "|", "dan"]


def test_the_last_word_on_a_consent_stands(store: SqlStore, database: Database) -> None:
    """A member who withdraws consent for one channel keeps what they said about another."""
    store.run(lambda tx: tx.members.set_consent("lee", "email", "marketing", True, "registration"))
    store.run(lambda tx: tx.members.set_consent("lee", "webhook", "marketing", True, "request"))
    store.run(
        lambda tx: tx.members.set_consent("lee", "email", "marketing", False, "unsubscribe"),
        now=NOON.replace(hour=20),
    )

    with database.read() as connection:
        rows = connection.execute(select(tables.consents).order_by(tables.consents.c.channel))
        said = [(row.channel, row.granted, row.at, row.source) for row in rows]
    assert said == [
        ("email", False, NOON.replace(hour=20), "unsubscribe"),
        ("webhook", True, NOON, "request"),
    ]


def test_a_card_counts_up_to_its_end_and_no_longer(store: SqlStore) -> None:
    """A double-points card counts from its first instant up to, and without, its last."""
    card = CardHeld("k1", "lee", 20_000, NOON, NOON.replace(day=9), "spring")
    store.run(lambda tx: tx.cards.add(card))
    store.run(lambda tx: tx.cards.add(card))  # a repeat gives no second card

    def counts(*instants: datetime) -> list[int]:
        return store.read(lambda tx: [len(tx.cards.at("lee", each)) for each in instants])

    just_before = NOON.replace(day=9, hour=11, minute=59, second=59, microsecond=999_999)
    assert counts(NOON.replace(hour=11), NOON, just_before, NOON.replace(day=9)) == [0, 1, 1, 0]
    assert store.read(lambda tx: tx.cards.at("lee", NOON)) == [card]
    assert store.read(lambda tx: tx.cards.at("han", NOON)) == []


def test_a_coupon_is_given_once(store: SqlStore, database: Database) -> None:
    """The same effect carried out twice leaves one coupon, with its first end."""
    store.run(lambda tx: tx.cards.coupon("k1", "lee", "spring", "soup", NOON.replace(day=9)))
    store.run(lambda tx: tx.cards.coupon("k1", "lee", "spring", "soup", NOON.replace(day=10)))

    with database.read() as connection:
        (row,) = connection.execute(select(tables.coupons))
    assert (row.kind, row.given_at, row.ends_at) == ("soup", NOON, NOON.replace(day=9))


def test_an_act_is_put_on_record_with_its_reason(store: SqlStore, database: Database) -> None:
    """Who did what, to which thing and why, stands in the audit trail."""
    store.run(lambda tx: tx.audit.add("mia", "campaign.pause", "spring", "stock late", {"v": 1}))

    with database.read() as connection:
        (row,) = connection.execute(select(tables.audit))
    assert (row.actor, row.action, row.target) == ("mia", "campaign.pause", "spring")
    assert (row.reason, row.detail, row.at) == ("stock late", {"v": 1}, NOON)


def test_of_two_who_are_given_one_card_at_once_one_is_refused(new_database: DatabaseMaker) -> None:
    """Neither clerk sees the other's member yet. SQLite lets one of them write at a time anyway."""
    database = new_database("postgres")
    first, second = (SqlStore(database, StillClock(), Programme()) for _ in range(2))
    written, go_on = threading.Event(), threading.Event()

    def slowly(tx: Transaction) -> None:
        register(tx, Registration(id="lee", card_no="C-0001"))
        written.set()
        assert go_on.wait(30)

    def waits() -> bool:
        held_up = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with database.read() as connection:
            return bool(connection.execute(held_up).scalar_one())

    with ThreadPoolExecutor() as clerks:
        lee = clerks.submit(first.run, slowly)
        assert written.wait(30)
        kim = clerks.submit(
            second.run, lambda tx: register(tx, Registration(id="kim", card_no="C-0001"))
        )
        while not (kim.done() or waits()):
            pass
        go_on.set()
        lee.result()
        with pytest.raises(Invalid) as refused:
            kim.result()

    assert refused.value.problems[0]["field"] == "card_no"


def _card_of(tx: Transaction, id: str) -> str | None:
    found = tx.members.get(id)
    assert found is not None
    return found.card_no


Change = tuple[str, dict[str, str | None]]
BOTH = [False, False]


@pytest.mark.parametrize(
    ("changes", "cards", "refusals"),
    [
        # The first who asks for a free card has it.
        ([("lee", {"card_no": "C-2"}), ("kim", {"card_no": "C-2"})], ["C-2", None], [False, True]),
        # What was given up before is free: whoever comes next may have it.
        ([("lee", {"card_no": None}), ("kim", {"card_no": "C-1"})], [None, "C-1"], BOTH),
        ([("lee", {"card_no": "C-2"}), ("kim", {"card_no": "C-1"})], ["C-2", "C-1"], BOTH),
        # Of one member each change counts, and the last one stays.
        (
            [("lee", {"card_no": "C-2"}), ("lee", {"card_no": "C-3", "name": "Li"})],
            ["C-3", None],
            BOTH,
        ),
        ([("lee", {"card_no": "C-2"}), ("lee", {"name": "Li"})], ["C-2", None], BOTH),
    ],
)
def test_two_callers_in_one_commit_are_told_who_has_the_card(
    store: SqlStore,
    caplog: pytest.LogCaptureFixture,
    changes: list[Change],
    cards: list[str | None],
    refusals: list[bool],
) -> None:
    """Who came later is judged by what was decided before, and nobody else waits for it."""
    store.run(lambda tx: register(tx, Registration(id="lee", card_no="C-1")))
    store.run(lambda tx: register(tx, Registration(id="kim")))

    def asks(id: str, change: DetailsChange) -> Future[tuple[str, ...]]:
        return store.submit(lambda tx: change_details(tx, id, change, "mia"), Wants(members=(id,)))

    with plugged(store.group()):
        answers = [asks(id, DetailsChange.model_validate(values)) for id, values in changes]
    refused = [answer.exception(PATIENCE) for answer in answers]
    store.close()

    assert [isinstance(each, Invalid) for each in refused] == refusals
    assert store.read(lambda tx: [_card_of(tx, id) for id in ("lee", "kim")]) == cards
    assert not caplog.records  # decided in one batch, not by its halves
    with store.database.read() as connection:
        acts = connection.execute(select(tables.audit.c.target).order_by(tables.audit.c.id))
        done = [id for (id, _), error in zip(changes, refused, strict=True) if error is None]
        assert list(acts.scalars()) == done
