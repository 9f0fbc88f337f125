"""Enrolments: one per entry, found by what they wait for, steered by operators."""

from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

from loyalty.ports import Transaction
from loyalty.records import Enrolment
from storage.database import Database
from storage.store import SqlStore
from tests.storage.rows import NOON, enrolment, member, worn

DAY = timedelta(days=1)


def test_a_member_enters_once_by_each_entry(store: SqlStore) -> None:
    """The same entry again is answered with no, without an error; another entry is a new one."""
    assert store.run(lambda tx: tx.enrolments.add(enrolment("2026-03"))) is True
    assert store.run(lambda tx: tx.enrolments.add(enrolment("2026-03"))) is False
    twin = enrolment("2026-03", id="j/spring/lee/other-name")
    assert store.run(lambda tx: tx.enrolments.add(twin)) is False
    assert store.run(lambda tx: tx.enrolments.add(enrolment("2026-04"))) is True

    found = store.read(lambda tx: tx.enrolments.of_member("spring", "lee"))
    assert [one.entry_key for one in found] == ["2026-03", "2026-04"]


def test_a_place_in_a_plan_survives_the_database(store: SqlStore) -> None:
    """What was reminded, told and rewarded, and every instant to the microsecond, comes back."""
    fresh = enrolment()
    store.run(lambda tx: tx.enrolments.add(fresh))
    assert store.read(lambda tx: tx.enrolments.get(fresh.id)) == fresh

    moved = replace(
        fresh,
        state="waiting",
        position=worn(fresh.position),
        remembered={"wait.count": 2, "wait.ends_on": "2026-03-31"},
        wake_at=NOON + DAY,
        turn=2,
        nudged_turn=1,
        granted_points=500,
        reserved_points=300,
    )
    store.run(lambda tx: tx.enrolments.save(moved))

    assert store.read(lambda tx: tx.enrolments.get(fresh.id)) == moved


def test_what_an_enrolment_is_never_changes(store: SqlStore) -> None:
    """A save moves a journey along; it cannot put the member into another arm or version."""
    store.run(lambda tx: tx.enrolments.add(enrolment()))

    strange = enrolment(arm="holdout", version=9, state="ended", outcome="completed")
    store.run(lambda tx: tx.enrolments.save(strange))

    found = store.read(lambda tx: tx.enrolments.get(strange.id))
    assert found == enrolment(state="ended", outcome="completed")


def test_an_event_finds_the_journeys_that_wait_for_it(store: SqlStore) -> None:
    """Only this member's live journeys with an open wait on this type of event look again."""

    def prepare(tx: Transaction) -> None:
        for one, types in (
            (enrolment("both"), ["review", "purchase", "purchase"]),
            (enrolment("buys"), ["purchase"]),
            (enrolment("closed"), ["purchase"]),
            (enrolment("ended", state="ended"), ["purchase"]),
            (enrolment("buys", member_id="han"), ["purchase"]),
        ):
            tx.enrolments.add(one)
            tx.enrolments.open_wait(one, types, NOON, NOON + DAY, NOON + 2 * DAY)
        tx.enrolments.close_wait(enrolment("closed").id)

    store.run(prepare)

    assert _waiting(store, "purchase") == ["both", "buys"]
    assert _waiting(store, "review") == ["both"]
    assert _waiting(store, "visit") == []


def test_a_new_wait_takes_the_place_of_the_old_one(store: SqlStore) -> None:
    """A journey that moved on to its next wait no longer hears of what ended the first."""
    lee = enrolment()

    def prepare(tx: Transaction) -> None:
        tx.enrolments.add(lee)
        tx.enrolments.open_wait(lee, ["purchase"], NOON, NOON + DAY, NOON + DAY)
        tx.enrolments.close_wait(lee.id)
        tx.enrolments.open_wait(lee, ["review"], NOON, NOON + DAY, NOON + DAY)

    store.run(prepare)

    assert _waiting(store, "purchase") == []
    assert _waiting(store, "review") == ["once"]


def test_an_event_and_a_turn_take_turns(store: SqlStore, database: Database) -> None:
    """While an event looks at a waiting journey, that journey's own turn waits for it to finish."""

    def prepare(tx: Transaction) -> None:
        tx.members.add(member(), "h" * 64, {})
        tx.enrolments.add(enrolment())
        tx.enrolments.open_wait(enrolment(), ["purchase"], NOON, NOON + DAY, NOON + DAY)

    store.run(prepare)
    looking, seen = Event(), []

    def turn() -> None:
        looking.wait(10)
        seen.append(store.run(lambda tx: tx.enrolments.lock(enrolment().id)).nudged_turn)

    def event(tx: Transaction) -> None:
        (waiting,) = tx.enrolments.waiting_for("lee", "purchase")
        looking.set()
        other.join(0.3)  # the turn has begun and would read the old row if nothing held it back
        assert other.is_alive()
        tx.enrolments.save(replace(waiting, nudged_turn=0))

    other = Thread(target=turn)
    other.start()
    store.run(event)
    other.join(10)

    assert seen == [0]


def test_a_campaign_walks_over_its_live_journeys(store: SqlStore) -> None:
    """Pages follow each other without gap or repeat and leave out who has ended."""

    def prepare(tx: Transaction) -> None:
        for name in ("dan", "ada", "cem", "bea"):
            state = "ended" if name == "bea" else "held"
            tx.enrolments.add(enrolment(member_id=name, state=state))
        elsewhere: Enrolment = enrolment(id="j/other/ada/once", campaign_id="other")
        tx.enrolments.add(elsewhere)

    store.run(prepare)

    def walk(tx: Transaction) -> list[str]:
        first = tx.enrolments.live("spring", "", 2)
        second = tx.enrolments.live("spring", first[-1].id, 2)
        return [one.member_id for one in (*first, *second)]

    assert store.read(walk) == ["ada", "cem", "dan"]
    assert store.read(lambda tx: tx.enrolments.count_live("spring")) == 3


def test_an_operators_command_is_done_once(store: SqlStore) -> None:
    """Commands wait in order until the journey has done them, each with its reason."""
    id = enrolment().id

    def ask(tx: Transaction) -> list[int]:
        return [
            tx.enrolments.add_command(id, "skip", "the shop was shut", "olga"),
            tx.enrolments.add_command(id, "cancel", "asked by phone", "olga"),
        ]

    first, second = store.run(ask)
    waiting = store.read(lambda tx: tx.enrolments.commands(id))
    assert [(one.id, one.command, one.reason, one.actor, one.at) for one in waiting] == [
        (first, "skip", "the shop was shut", "olga", NOON),
        (second, "cancel", "asked by phone", "olga", NOON),
    ]

    store.run(lambda tx: tx.enrolments.command_done(first))

    assert [one.id for one in store.read(lambda tx: tx.enrolments.commands(id))] == [second]


def _waiting(store: SqlStore, event_type: str) -> list[str]:
    found = store.run(lambda tx: tx.enrolments.waiting_for("lee", event_type))
    return [one.entry_key for one in found]
